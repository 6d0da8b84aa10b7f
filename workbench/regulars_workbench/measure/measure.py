"""The effect of a plan: orders, money and profit that each action added, treated against control."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError
from regulars.instants import midnight_after
from regulars_training.data.dataset import history
from regulars_workbench.describe.order_margin import order_margin
from regulars_workbench.measure.lift import Lift, adjusted, stratified
from regulars_workbench.measure.plan_file import PlanFile

DAY_S = 86_400

MOST_UNKNOWN = 0.1
"""Share of a plan's customers who may be missing in the lake: forgotten, or merged since."""


@dataclass(frozen=True)
class ActionEffect:
    """What one action added: orders and revenue of a treated customer, profit and cost of all treated (currency)."""

    action: str
    treated: int
    control: int
    orders: Lift
    orders_adjusted: Lift
    value: Lift
    value_adjusted: Lift
    profit: Lift
    """Adjusted extra revenue times margin, less cost."""
    cost: float

    @property
    def verdict(self) -> str:
        """Say whether to continue the action."""
        if self.profit.low > 0:
            return "continue: it pays for itself"
        if self.profit.high < 0:
            return "stop: it costs more than it brings"
        if self.profit.mean > 0:
            return "continue with a larger control group: it may pay, but this is not proven"
        return "do not extend: it has not paid so far, perhaps by chance"


def lake_margin(connection: duckdb.DuckDBPyConnection, lake: Path, sql: SqlFolder, before: datetime) -> float:
    """Return the margin as a share of revenue, from the lake's orders before an instant.

    HistoryError: the orders have no margin. Profit cannot be guessed.
    """
    attach(connection, lake)
    margin = order_margin(connection, sql, before)
    if margin is None:
        raise HistoryError(
            f"{lake}: its orders have no margin_cents, so profit is unknown; give the margin as a share of revenue, "
            "as in --margin 0.3"
        )
    return margin


def measure(
    connection: duckdb.DuckDBPyConnection, plan: PlanFile, lake: Path, sql: SqlFolder, *, as_of: datetime, margin: float
) -> list[ActionEffect]:
    """Measure each action of a plan by the orders before `as_of`. `margin` is a share of revenue.

    HistoryError: the plan's horizon ends after `as_of` or after the data, or an action has no control group.
    """
    info = attach(connection, lake)
    _check_horizon(connection, plan, as_of)
    _check_customers(connection, plan, lake)
    params = {"as_of_s": int(plan.planned_at.timestamp()), "horizon_s": plan.horizon_days * DAY_S}
    sql.materialise(connection, ["around"], params)
    columns = connection.execute("select * from around").fetchnumpy()
    ids = pl.Series(columns.pop("customer_id").tolist(), dtype=pl.String)
    around = pl.DataFrame({"customer_id": ids} | dict(columns))
    rows = plan.rows.join(around, on="customer_id", how="left", maintain_order="left").fill_null(0)
    parts = sorted(rows.group_by("action", maintain_order=True), key=lambda part: str(part[0][0]))
    return [_effect(str(key[0]), part, margin, 10**info.minor_units) for key, part in parts]


def _check_horizon(connection: duckdb.DuckDBPyConnection, plan: PlanFile, as_of: datetime) -> None:
    """Refuse a plan whose horizon is not fully covered by the data before `as_of`."""
    last = history(connection)[1]
    data_end = midnight_after(last).replace(tzinfo=UTC)
    end, latest = plan.planned_at + timedelta(days=plan.horizon_days), min(data_end, as_of)
    if plan.planned_at >= data_end:
        raise HistoryError(
            f"the plan is of {plan.planned_at:%Y-%m-%d}, and the lake's orders end on {last:%Y-%m-%d}; "
            "ingest the orders after the plan"
        )
    if end > latest:
        raise HistoryError(
            f"the plan's {plan.horizon_days} days end on {end:%Y-%m-%d}, and the data ends on {latest:%Y-%m-%d}; "
            f"measure from {end:%Y-%m-%d} on, or with --horizon {max((latest - plan.planned_at).days, 0)}"
        )


def _check_customers(connection: duckdb.DuckDBPyConnection, plan: PlanFile, lake: Path) -> None:
    """Refuse a plan of other customers: someone unknown is not someone who ordered nothing."""
    known = pl.Series(
        [row[0] for row in connection.execute("select distinct customer_id from orders").fetchall()], dtype=pl.String
    )
    customers = plan.rows["customer_id"].unique().sort()
    unknown = customers.filter(~customers.is_in(known.implode()))
    if len(unknown) > MOST_UNKNOWN * len(customers):
        raise HistoryError(
            f"{len(unknown):,} of the plan's {len(customers):,} customers have never ordered in {lake} (such as "
            f"{', '.join(map(repr, unknown.head(3).to_list()))}); measure with the lake that the plan was made from, "
            "with the orders since"
        )


def _effect(action: str, rows: pl.DataFrame, margin: float, unit: int) -> ActionEffect:
    treated = (rows["arm"] == "treated").to_numpy()
    strata = rows["stratum"].rank("dense").to_numpy().astype(np.int64)
    orders, value = rows["future_orders"].to_numpy(), rows["future_value_cents"].to_numpy() / unit
    past = np.stack([rows["past_orders"].to_numpy(), rows["past_value_cents"].to_numpy() / unit], axis=1)
    orders, value, past = (array.astype(np.float64) for array in (orders, value, past))
    orders_lift, value_lift = stratified(orders, treated, strata), stratified(value, treated, strata)
    orders_adjusted, value_adjusted = (adjusted(outcome, treated, strata, past) for outcome in (orders, value))
    if orders_lift is None or orders_adjusted is None or value_lift is None or value_adjusted is None:
        raise HistoryError(
            f"{action}: {int(treated.sum())} treated and {int((~treated).sum())} control customers, and no stratum has "
            'two of each; without a control group there is no measure: plan with "control" above 0'
        )
    cost, count = float(rows["cost"].to_numpy()[treated].sum()), int(treated.sum())
    profit = value_adjusted.times(margin * count, cost)
    return ActionEffect(
        action, count, len(rows) - count, orders_lift, orders_adjusted, value_lift, value_adjusted, profit, cost
    )
