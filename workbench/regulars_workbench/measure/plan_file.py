"""A plan as a file: read and checked for `regulars measure`, or turned into treatments of the lake."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from regulars.errors import SourceError
from regulars.instants import parse_as_of

NEEDED = ("customer_id", "action", "arm")
ARMS = ("treated", "control")
PLANNED_AT = ("planned_at", "as_of")
STRATUM = ("stratum", "segment")
"""Columns that may hold the instant of the plan, or the stratum. The first one present is read."""


@dataclass(frozen=True)
class PlanFile:
    """A plan's rows (customer_id, action, arm, stratum, cost in units of currency), its instant and its horizon."""

    rows: pl.DataFrame
    planned_at: datetime
    horizon_days: int


def read_plan_file(path: Path, horizon_days: int | None = None) -> PlanFile:
    """Read a plan that `regulars plan` wrote, Parquet or CSV. SourceError names what is wrong with it."""
    rows = _read(path)
    missing = [name for name in NEEDED if name not in rows.columns]
    if missing:
        raise SourceError(f"{path}: column {missing[0]} is missing; a plan has {', '.join(NEEDED)}, and its date")
    planned_at = _only_value(rows, path, PLANNED_AT, "the date of the plan")
    days = horizon_days or int(_only_value(rows, path, ("horizon_days",), "the plan's horizon; give --horizon"))
    rows = rows.with_columns(pl.col(name).cast(pl.String) for name in NEEDED)
    unknown = rows.filter(~pl.col("arm").is_in(ARMS) | pl.col("arm").is_null())
    if len(unknown):
        raise SourceError(f"{path}: arm is {unknown['arm'][0]!r} for customer {unknown['customer_id'][0]}, not {ARMS}")
    if rows.select("customer_id", "action").is_duplicated().any():
        raise SourceError(f"{path}: a customer has the same action twice; keep one row of each")
    cost = pl.col("cost").cast(pl.Float64).fill_null(0.0) if "cost" in rows.columns else pl.lit(0.0)
    stratum = next(
        (pl.col(name).cast(pl.String).fill_null("-") for name in STRATUM if name in rows.columns), pl.lit("all")
    )
    selected = rows.select(*NEEDED, cost.alias("cost"), stratum.alias("stratum"))
    return PlanFile(selected, parse_as_of(str(planned_at)), days)


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise SourceError(f'{path}: no such plan; make one with "regulars plan"')
    try:
        if path.suffix.lower() != ".csv":
            return pl.read_parquet(path)
        # Ids and names stay text: 00777 is no number.
        return pl.read_csv(path, infer_schema_length=None, schema_overrides=dict.fromkeys(NEEDED, pl.String))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path} is not a readable plan: {str(error).splitlines()[0]}") from error


def _only_value(rows: pl.DataFrame, path: Path, names: tuple[str, ...], meaning: str) -> Any:  # noqa: ANN401 - a cell
    """Return the value that all rows share in the first of these columns that is present."""
    name = next((name for name in names if name in rows.columns), None)
    if name is None:
        raise SourceError(f"{path}: no column has {meaning} ({' or '.join(names)})")
    values = rows[name].unique().to_list()
    if len(values) != 1 or values[0] is None:
        raise SourceError(f"{path}: {name} must be the same in all rows; measure one plan at a time")
    return values[0]


def treatments(plan: PlanFile, minor_units: int) -> pl.DataFrame:
    """Return the plan as rows of the lake's treatments, from which effects can be learnt."""
    cents = (pl.col("cost") * 10**minor_units).round().cast(pl.Int64)
    return plan.rows.select(
        "customer_id",
        pl.lit(plan.planned_at.replace(tzinfo=None)).cast(pl.Datetime("us")).alias("treated_at"),
        "action",
        "arm",
        pl.when(pl.col("arm") == "treated").then(cents).otherwise(0).alias("cost_cents"),
    )
