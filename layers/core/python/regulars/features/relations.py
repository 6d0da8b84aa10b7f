"""From the contract's relations to one row of features per customer, by the SQL files; the same in all uses."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from regulars.data.atomic_files import atomic_file
from regulars.data.sql import SqlFolder, literal
from regulars.errors import HistoryError
from regulars.features.cut_points import CutPoints, bind_cut_points, learn_cut_points
from regulars.instants import as_of_params

BASE = ("purchases", "purchase_gaps", "returns")
"""Relations that each read a big table once, in the order in which they are made; they need no cut points."""

RFM = "rfm"
"""The relation from which cut points are learnt, and to which they are applied."""

APPLIED = ("rfm_scores", "lifecycle", "engagement", "economics", "customer_features")
"""The relations that follow, given the learnt `rfm_cut_points`."""

TABLES = frozenset((*BASE, "engagement"))
"""Relations that are made as tables; the others are views over them, computed when read."""

ORDER = (*BASE, RFM, *APPLIED)
"""All relations up to `customer_features`, each after those that it reads; cut points are given."""

LABELS = "future"
"""The relation of what happened after `as_of`; no feature reads it."""

WITHOUT_CUT_POINTS = ("lifecycle", "engagement")
"""The relations of APPLIED that need no cut points."""

INTERMEDIATE = ("purchases", "returns", *WITHOUT_CUT_POINTS)
"""Relations with a row per customer, from which all others follow, given cut points."""


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


def make_features(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime, cut_points: CutPoints
) -> None:
    """Make every relation up to `customer_features` from the bound orders, customers and events."""
    make_base(connection, sql, as_of)
    bind_cut_points(connection, cut_points)
    _make(connection, sql, APPLIED, as_of)


def make_intermediate(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime) -> None:
    """Make INTERMEDIATE and `rfm`, which need no cut points; errors as in `make_base`."""
    make_base(connection, sql, as_of)
    _make(connection, sql, WITHOUT_CUT_POINTS, as_of)


def make_from_intermediate(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime, cut_points: CutPoints
) -> None:
    """Make every relation up to `customer_features` from the bound INTERMEDIATE."""
    bind_cut_points(connection, cut_points)
    _make(connection, sql, (RFM, *(name for name in APPLIED if name not in WITHOUT_CUT_POINTS)), as_of)


def make_features_learning(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime) -> CutPoints:
    """Learn cut points from these customers, make every relation with them, and return them: training only."""
    make_base(connection, sql, as_of)
    cut_points = learn_cut_points(connection, sql)
    _make(connection, sql, APPLIED, as_of)
    return cut_points


def make_labels(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime, days: int) -> None:
    """Make the relation `future`: what each customer of `purchases` did in the `days` from `as_of` on."""
    end = as_of_params(as_of + timedelta(days=days))["as_of"]
    sql.materialise(connection, [LABELS], {"as_of": as_of_params(as_of)["as_of"], "label_end": end})


def write_features(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, out: Path, relation: str = "customer_features"
) -> int:
    """Write features as Parquet, atomically, sorted by customer_id, with `as_of`; return the number of rows."""
    moment = literal(as_of_params(as_of)["as_of"])
    query = f"select cast({moment} as timestamp) as as_of, * from {relation} order by customer_id"
    with atomic_file(out) as partial:
        written = connection.execute(f"copy ({query}) to {literal(str(partial))} (format parquet)").fetchall()
    return int(written[0][0])
