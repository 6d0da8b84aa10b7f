"""The relations of `sql/report`, made from a lake in the order that the headers of the SQL files require."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from regulars.data.lake import LakeInfo, attach
from regulars.data.paths import exactly
from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder
from regulars.errors import BundleError, HistoryError
from regulars.instants import as_of_params
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.scoring.score import score

REPORTED = (
    "monthly_revenue",
    "customers_by_month",
    "cohorts",
    "revenue_concentration",
    "concentration_summary",
    "segments",
    "rfm_grid",
    "rfm_cells",
    "repeat_orders",
    "repeat_rates",
    "gaps_between_orders",
)
"""Relations that are shown and written. The other files of `sql/report` are steps towards them."""

MEMBERS = "segment_members"


@dataclass(frozen=True)
class Description:
    """All reported relations, with rows sorted by all columns, and the lake and options they belong to."""

    lake: Path
    info: LakeInfo
    as_of: datetime
    lost_after_months: int
    bundle: str | None
    tables: Mapping[str, pl.DataFrame]

    def money(self, cents: pl.Expr) -> pl.Expr:
        """Return minor units as units of currency."""
        return cents / float(10**self.info.minor_units)


def needed(sql: SqlFolder, wanted: Iterable[str], existing: Iterable[str] = ()) -> list[str]:
    """Return the relations needed for the `wanted` ones, each after those it reads, without those in `existing`."""
    order = dict.fromkeys(existing, False)

    def visit(name: str) -> None:
        if name in order or name in TABLES:
            return
        for read in sql.relations[name].reads:
            visit(read)
        order[name] = True

    for name in wanted:
        visit(name)
    return [name for name, make in order.items() if make]


def describe(  # noqa: PLR0913 - one plain option each
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    as_of: datetime,
    *,
    lost_after_months: int = 6,
    bundle: Bundle | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Description:
    """Make all reported relations from the lake's rows before `as_of`.

    With a bundle, RFM scores use its cut points, and segments, value and churn its models. Without one, cut points are
    learnt from these customers, and segments are RFM groups. HistoryError: there is no order before `as_of`. LakeError
    and BundleError as `score`.
    """
    params: dict[str, str | int] = {**as_of_params(as_of), "lost_after_months": lost_after_months}
    info = attach(connection, lake)
    _refuse_empty(connection, as_of)
    existing: list[str] = []
    if bundle:
        tell(f"scoring by bundle {bundle.manifest.bundle}")
        _members(connection, lake, bundle, as_of)
        existing = ["purchases", "rfm_scores", MEMBERS]
    for name in needed(sql, REPORTED, existing):
        tell(name)
        sql.materialise(connection, [name], params)
    tables = {name: _frame(connection, name) for name in REPORTED}
    return Description(lake, info, as_of, lost_after_months, bundle.manifest.bundle if bundle else None, tables)


def _refuse_empty(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    query = """
        select min(ordered_at), count(*) filter (where ordered_at < cast($as_of as timestamp)) from orders
        where not is_return
    """
    [(first, before)] = connection.execute(query, {"as_of": as_of_params(as_of)["as_of"]}).fetchall()
    if first is None:
        raise HistoryError("the lake has no order that is not a return; ingest orders first")
    if not before:
        raise HistoryError(
            f"no order before as_of {as_of:%Y-%m-%d %H:%M}Z (the first is at {first}Z); choose a later --as-of"
        )


def _members(connection: duckdb.DuckDBPyConnection, lake: Path, bundle: Bundle, as_of: datetime) -> None:
    """Score the lake and make `segment_members` from its scores. The connection keeps the relations of features."""
    with TemporaryDirectory(prefix="regulars-") as folder:
        scores = Path(folder) / "scores.parquet"
        score(connection, lake, ModelLoader(bundle), as_of, scores, reasons=0)
        source = f"read_parquet({exactly(scores)})"
        present = {row[0] for row in connection.execute(f"describe select * from {source}").fetchall()}
        if "segment" not in present:
            raise BundleError(f"bundle {bundle.manifest.bundle} has no segments; omit --bundle, or train again")
        value = (
            f"round(predicted_value * {10**bundle.manifest.minor_units})" if "predicted_value" in present else "null"
        )
        churn = "round(churn_probability * 1000000)" if "churn_probability" in present else "null"
        connection.execute(
            f"create or replace temp table {MEMBERS} as select customer_id, segment, "
            f"cast({value} as bigint) as predicted_value_cents, cast({churn} as bigint) as churn_millionths "
            f"from {source}"
        )


def _frame(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    relation = connection.execute(f"select * from {name} order by all")
    columns = [(column[0], _POLARS.get(str(column[1]), pl.Float64)) for column in relation.description or ()]
    return pl.DataFrame(relation.fetchall(), schema=columns, orient="row")


_POLARS: dict[str, Any] = {
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int64,
    "DOUBLE": pl.Float64,
    "DATE": pl.Date,
    "BOOLEAN": pl.Boolean,
    "VARCHAR": pl.String,
}
