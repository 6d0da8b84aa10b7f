"""From the contract's relations to one row of features per customer, by the SQL files, wherever the rows come from."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.errors import HistoryError
from regulars.files import atomic_file
from regulars.sql import SqlFolder, literal

BASE = ("purchases", "purchase_gaps", "returns")
"""Relations that read the big tables once each and need nothing learnt, in the order in which they are made."""

RFM = "rfm"
"""What cut points are learnt from and applied to."""

APPLIED = ("rfm_scores", "lifecycle", "engagement", "economics", "customer_features")
"""Relations that follow, given the learnt `rfm_cut_points`."""

TABLES = frozenset((*BASE, "engagement"))
"""What is kept as a table; the others are views over these, computed on the way to whoever reads them."""

ORDER = (*BASE, RFM, *APPLIED)
"""Every relation from the contract's to `customer_features`, each after what it reads; cut points are given."""

LABELS = "future"
"""What happened after a moment: never read by a feature."""

HISTOGRAM, CUT_POINTS = "rfm_histogram", "rfm_cut_points"

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Instants outside are typing errors, and ingest rejects them too."""

UNLEARNT = ("lifecycle", "engagement")
"""Of APPLIED, those that need no cut points."""

KEPT = ("purchases", "returns", *UNLEARNT)
"""With cut points, all the rest follows from these, each a row per customer."""

CutPoints = Sequence[tuple[str, int, int]]
"""Rows of `rfm_cut_points`: measure, cut number (1 to 4), cut value (days, orders or minor units)."""

FloatArray = npt.NDArray[np.float64]


def parse_as_of(text: str | date) -> datetime:
    """Read a date or a timestamp as an instant; without an offset it is UTC, and a date is its midnight.

    HistoryError when it is neither, or lies outside 1970 to 2199.
    """
    try:
        moment = datetime.fromisoformat(str(text))
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise HistoryError(
            f"as_of {str(text)[:40]!r} is no date or timestamp; write it like 2026-06-30 or 2026-06-30T00:00:00Z"
        ) from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise HistoryError(f"as_of {moment:%Y-%m-%d} is not between {FIRST_YEAR} and {LAST_YEAR}; check it")
    return moment


def as_of_params(as_of: datetime) -> dict[str, str | int]:
    """Return the parameters of the feature files: the instant as text, and as whole seconds since 1970."""
    return {"as_of": as_of.strftime("%Y-%m-%d %H:%M:%S.%f"), "as_of_s": int(as_of.timestamp())}


@dataclass(frozen=True)
class FeatureTable:
    """Features of n customers: their ids and one float64 array of n values per column, NaN for null.

    `as_of` is the moment at which they hold, where an answer needs it.
    """

    customer_ids: npt.NDArray[np.object_]
    columns: Mapping[str, FloatArray]
    as_of: datetime | None = None
    derived: dict[Hashable, "FeatureTable"] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out from this table, by what was asked."""

    def __getitem__(self, rows: slice) -> Self:
        """Return the features of some of the customers."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, customer_ids=self.customer_ids[rows], columns=columns, derived={})

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.customer_ids)

    def matrix(self, names: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the named columns side by side, shape (customers, names), in the models' own precision."""
        return np.stack([self.columns[name].astype(np.float32) for name in names], axis=1)

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, relation: str = "customer_features") -> Self:
        """Fetch a relation with `customer_id` and numeric columns, in the order of customer_id."""
        return cls.fetch(connection.execute(f"select * from {relation} order by customer_id"))

    @classmethod
    def fetch(cls, result: duckdb.DuckDBPyConnection) -> Self:
        """Fetch an executed query with `customer_id` and numeric columns."""
        fetched = result.fetchnumpy()
        ids = np.asarray(fetched.pop("customer_id"), dtype=object)
        return cls(ids, {name: _floats(values) for name, values in fetched.items()})


def _floats(values: Any) -> FloatArray:  # noqa: ANN401 - an array or a masked array of any number
    floats: FloatArray = np.ma.getdata(values).astype(np.float64)
    mask = np.ma.getmask(values)
    if mask is not np.ma.nomask:
        floats[mask] = np.nan
    return floats


def _make(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, names: Sequence[str], as_of: datetime) -> None:
    for name in names:
        create = sql.materialise if name in TABLES else sql.view
        create(connection, [name], as_of_params(as_of))


def make_base(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime) -> None:
    """Make BASE and `rfm` from the bound orders; HistoryError when no customer ordered before `as_of`."""
    _make(connection, sql, (*BASE, RFM), as_of)
    if not connection.execute("select 1 from purchases limit 1").fetchall():
        first = connection.execute("select min(ordered_at) from orders where not is_return").fetchall()[0][0]
        if first is None:
            raise HistoryError("there is no order that is not a return; bring orders first")
        raise HistoryError(
            f"no order before as_of {as_of:%Y-%m-%d %H:%M}Z (the first is at {first}Z); choose a later as_of"
        )


def learn_cut_points(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> CutPoints:
    """Learn the RFM cut points from the relation `rfm` at hand: training only."""
    sql.materialise(connection, [HISTOGRAM], {})
    return cut_points_of_histogram(connection, sql)


def cut_points_of_histogram(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> CutPoints:
    """Learn the RFM cut points from the relation `rfm_histogram` at hand, of all customers or of parts added up."""
    sql.materialise(connection, [CUT_POINTS], {})
    rows = connection.execute(f"select measure, cut_number, cut_value from {CUT_POINTS} order by all").fetchall()
    return [(str(measure), int(number), int(value)) for measure, number, value in rows]


def collapsed(cut_points: CutPoints) -> list[str]:
    """Say for each measure which of its cut points coincide, so that not all five scores can be given."""
    said = []
    for measure in sorted({row[0] for row in cut_points}):
        values = [value for name, _, value in cut_points if name == measure]
        if len(set(values)) < len(values):
            scores = len(set(values)) + 1
            said.append(
                f"RFM {measure}: cut points coincide (many customers are alike), only {scores} of 5 scores are given"
            )
    return said


def bind_cut_points(connection: duckdb.DuckDBPyConnection, cut_points: CutPoints) -> None:
    """Create the relation `rfm_cut_points` from learnt rows."""
    measures, numbers, values = zip(*cut_points, strict=True)
    columns = {"measures": list(measures), "numbers": list(numbers), "amounts": list(values)}
    connection.execute(
        f"create or replace temp table {CUT_POINTS} as select unnest(cast($measures as varchar[])) as measure, "
        "unnest(cast($numbers as bigint[])) as cut_number, unnest(cast($amounts as bigint[])) as cut_value",
        columns,
    )


def make_features(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime, cut_points: CutPoints
) -> None:
    """Make every relation up to `customer_features` from the bound orders, customers and events."""
    make_base(connection, sql, as_of)
    bind_cut_points(connection, cut_points)
    _make(connection, sql, APPLIED, as_of)


def make_kept(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime) -> None:
    """Make KEPT and `rfm`, for which nothing has to be learnt; errors as `make_base`."""
    make_base(connection, sql, as_of)
    _make(connection, sql, UNLEARNT, as_of)


def make_from_kept(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime, cut_points: CutPoints
) -> None:
    """Make every relation up to `customer_features` from the bound KEPT."""
    bind_cut_points(connection, cut_points)
    _make(connection, sql, (RFM, *(name for name in APPLIED if name not in UNLEARNT)), as_of)


def make_features_learning(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime) -> CutPoints:
    """Make every relation with cut points learnt from these very customers, and return them: training only."""
    make_base(connection, sql, as_of)
    cut_points = learn_cut_points(connection, sql)
    _make(connection, sql, APPLIED, as_of)
    return cut_points


def make_labels(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime, days: int) -> None:
    """Make the relation `future`: what each customer of `purchases` did in so many days from `as_of` on."""
    end = as_of_params(as_of + timedelta(days=days))["as_of"]
    sql.materialise(connection, [LABELS], {"as_of": as_of_params(as_of)["as_of"], "label_end": end})


def write_features(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, out: Path, relation: str = "customer_features"
) -> int:
    """Write features as Parquet, atomically, in the order of customer_id, with the moment first; return the rows."""
    moment = literal(as_of_params(as_of)["as_of"])
    query = f"select cast({moment} as timestamp) as as_of, * from {relation} order by customer_id"
    with atomic_file(out) as partial:
        written = connection.execute(f"copy ({query}) to {literal(str(partial))} (format parquet)").fetchall()
    return int(written[0][0])
