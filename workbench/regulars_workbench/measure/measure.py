"""Measure a plan: read its rows and what came of them, and work out the lift of each action."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError, SourceError
from regulars.instants import as_of_params, midnight_after, parse_as_of
from regulars_training.data.dataset import history
from regulars_workbench.measure.lift import Lift, adjusted, stratified

NEEDED = ("customer_id", "action", "arm")
ARMS = ("treated", "control")
MOMENTS = ("planned_at", "as_of")
STRATA = ("stratum", "segment")
DAY_S = 86_400


@dataclass(frozen=True)
class Plan:
    """A plan's rows (customer_id, action, arm, stratum, cost in major units), when it was made, and for how long."""

    frame: pl.DataFrame
    made_at: datetime
    horizon_days: int


@dataclass(frozen=True)
class Measured:
    """What one action brought, orders and money (major units) a treated customer, and in all."""

    action: str
    treated: int
    control: int
    orders: Lift
    orders_adjusted: Lift
    value: Lift
    value_adjusted: Lift
    profit: Lift
    """Incremental margin less cost, of all treated together; from the adjusted lift."""
    cost: float

    @property
    def verdict(self) -> str:
        """Say in words whether to go on."""
        if self.profit.low > 0:
            return "go on: it pays for itself"
        if self.profit.high < 0:
            return "stop: it costs more than it brings"
        if self.profit.mean > 0:
            return "go on with a larger control group: it may pay, and is not proven to"
        return "do not extend: it has not paid so far, which may be chance"


def read_plan(path: Path, horizon_days: int | None = None) -> Plan:
    """Read a plan as `regulars plan` writes it, Parquet or CSV; SourceError names what is wrong with it."""
    if not path.is_file():
        raise SourceError(f'{path}: no such plan; make one with "regulars plan"')
    try:
        frame = pl.read_csv(path, infer_schema_length=None) if path.suffix == ".csv" else pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path} is no readable plan: {str(error).splitlines()[0]}") from error
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise SourceError(
            f"{path}: column {missing[0]} is missing; a plan has {', '.join(NEEDED)}, and when it was made"
        )
    made_at = _one(frame, path, MOMENTS, "when the plan was made")
    days = horizon_days or int(_one(frame, path, ("horizon_days",), "how many days it is for; give --horizon"))
    frame = frame.with_columns(pl.col(name).cast(pl.String) for name in NEEDED)
    strange = frame.filter(~pl.col("arm").is_in(ARMS) | pl.col("arm").is_null())
    if len(strange):
        raise SourceError(f"{path}: arm is {strange['arm'][0]!r} for customer {strange['customer_id'][0]}, not {ARMS}")
    if frame.select("customer_id", "action").is_duplicated().any():
        raise SourceError(f"{path}: a customer has the same action twice; each may stand once")
    cost = pl.col("cost").cast(pl.Float64).fill_null(0.0) if "cost" in frame.columns else pl.lit(0.0)
    stratum = next(
        (pl.col(name).cast(pl.String).fill_null("-") for name in STRATA if name in frame.columns), pl.lit("all")
    )
    return Plan(frame.select(*NEEDED, cost.alias("cost"), stratum.alias("stratum")), parse_as_of(str(made_at)), days)


def _one(frame: pl.DataFrame, path: Path, names: tuple[str, ...], what: str) -> Any:  # noqa: ANN401 - a cell
    """Return the one value of the first of these columns that there is."""
    name = next((name for name in names if name in frame.columns), None)
    if name is None:
        raise SourceError(f"{path}: no column says {what} ({' or '.join(names)})")
    found = frame[name].unique().to_list()
    if len(found) != 1 or found[0] is None:
        raise SourceError(f"{path}: {name} must be one and the same in all rows; measure one plan at a time")
    return found[0]


def lake_margin(connection: duckdb.DuckDBPyConnection, lake: Path, sql: SqlFolder, before: datetime) -> float:
    """Return the share of revenue that was margin in the lake's orders before an instant.

    HistoryError when the lake does not know its margin: profit cannot be guessed.
    """
    attach(connection, lake)
    sql.materialise(connection, ("order_margin",), {"as_of": as_of_params(before)["as_of"]})
    [(earned, revenue)] = connection.execute("select margin_cents, revenue_cents from order_margin").fetchall()
    if not revenue or not earned or earned <= 0:
        raise HistoryError(
            f"{lake}: its orders have no margin_cents, so what was earned is not known; say which share of revenue "
            "stays, as in --margin 0.3"
        )
    return float(earned / revenue)


def measure(
    connection: duckdb.DuckDBPyConnection, plan: Plan, lake: Path, sql: SqlFolder, *, as_of: datetime, margin: float
) -> list[Measured]:
    """Measure each action of a plan by what the lake knows at `as_of`; `margin` is the share of revenue that is earned.

    HistoryError when the horizon has not passed by `as_of` or lies beyond the data, or when there is no control.
    """
    info = attach(connection, lake)
    _known(connection, plan, as_of)
    params = {"as_of_s": int(plan.made_at.timestamp()), "horizon_s": plan.horizon_days * DAY_S}
    sql.materialise(connection, ["around"], params)
    found = connection.execute("select * from around").fetchnumpy()
    ids = pl.Series(found.pop("customer_id").tolist(), dtype=pl.String)
    around = pl.DataFrame({"customer_id": ids} | dict(found))
    rows = plan.frame.join(around, on="customer_id", how="left", maintain_order="left").fill_null(0)
    parts = sorted(rows.group_by("action", maintain_order=True), key=lambda part: str(part[0][0]))
    return [_action(str(key[0]), part, margin, 10**info.minor_units) for key, part in parts]


def _known(connection: duckdb.DuckDBPyConnection, plan: Plan, as_of: datetime) -> None:
    last = history(connection)[1]
    known = midnight_after(last).replace(tzinfo=UTC)
    end, latest = plan.made_at + timedelta(days=plan.horizon_days), min(known, as_of)
    if plan.made_at >= known:
        raise HistoryError(
            f"the plan was made for {plan.made_at:%Y-%m-%d}, the lake's orders end on {last:%Y-%m-%d}; "
            "ingest what came after the plan"
        )
    if end > latest:
        raise HistoryError(
            f"the plan's {plan.horizon_days} days end on {end:%Y-%m-%d}, and what is known ends on {latest:%Y-%m-%d}: "
            f"measure from {end:%Y-%m-%d} on, or with --horizon {max((latest - plan.made_at).days, 0)}"
        )


def _action(action: str, rows: pl.DataFrame, margin: float, unit: int) -> Measured:
    treated = (rows["arm"] == "treated").to_numpy()
    strata = rows["stratum"].rank("dense").to_numpy().astype(np.int64)
    orders, value = rows["future_orders"].to_numpy(), rows["future_value_cents"].to_numpy() / unit
    before = np.stack([rows["past_orders"].to_numpy(), rows["past_value_cents"].to_numpy() / unit], axis=1)
    found = [
        lift(column.astype(np.float64), treated, strata)
        for column in (orders, value)
        for lift in (stratified, lambda one, arm, each: adjusted(one, arm, each, before.astype(np.float64)))
    ]
    plain, fine, money, money_fine = found
    if plain is None or fine is None or money is None or money_fine is None:
        count = int((~treated).sum())
        raise HistoryError(
            f"{action}: {int(treated.sum())} treated and {count} held out, in no stratum two of each; without a "
            'control group nothing can be measured: plan with "control" above 0'
        )
    cost, count = float(rows["cost"].to_numpy()[treated].sum()), int(treated.sum())
    profit = money_fine.times(margin * count, cost)
    return Measured(action, count, len(rows) - count, plain, fine, money, money_fine, profit, cost)


def treatments(plan: Plan, minor_units: int) -> pl.DataFrame:
    """Return the plan as rows of the lake's treatments, from which effects are learnt next."""
    cents = (pl.col("cost") * 10**minor_units).round().cast(pl.Int64)
    return plan.frame.select(
        "customer_id",
        pl.lit(plan.made_at.replace(tzinfo=None)).cast(pl.Datetime("us")).alias("treated_at"),
        "action",
        "arm",
        pl.when(pl.col("arm") == "treated").then(cents).otherwise(0).alias("cost_cents"),
    )
