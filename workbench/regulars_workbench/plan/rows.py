"""The plan as rows: one for each customer and chosen action, treated or control."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.data.atomic_files import atomic_file
from regulars.data.sql import literal
from regulars_workbench.plan.plan import Plan

COLUMNS = {
    "customer_id": "varchar",
    "action": "varchar",
    "channel": "varchar",
    "arm": "varchar",
    "cost": "double",
    "expected_profit": "double",
    "low": "double",
    "high": "double",
    "break_even_effect": "double",
    "reason": "varchar",
    "stratum": "varchar",
    "as_of": "timestamp",
    "horizon_days": "integer",
}


def plan_rows(plan: Plan) -> dict[str, npt.NDArray[Any]]:
    """Return the plan's columns, in the order of customers, then actions.

    Cost and profit of control customers are 0, so a column's sum is the plan's total. Their reason says what the
    treatment would have been for.
    """
    parts = [_action_rows(plan, at) for at in range(len(plan.catalogue.action))]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((rows.pop("_action"), rows.pop("_customer")))
    return {name: values[order] for name, values in rows.items()}


def _action_rows(plan: Plan, at: int) -> dict[str, npt.NDArray[Any]]:
    action, scale, people = plan.catalogue.action[at], plan.scale, plan.people
    who = np.flatnonzero(plan.arms.treated[at] | plan.arms.control[at])
    held = plan.arms.control[at, who]
    valued = plan.valued(at, who)
    worth = valued.worth
    money = {"cost": worth.cost, "expected_profit": worth.profit, "low": worth.low, "high": worth.high}
    return {
        "customer_id": people.columns["customer_id"][who].astype(object),
        "action": np.full(len(who), action.name, dtype=object),
        "channel": np.full(len(who), action.channel, dtype=object),
        "arm": np.where(held, "control", "treated").astype(object),
        **{name: np.where(held, 0.0, np.round(values) / scale) for name, values in money.items()},
        "break_even_effect": np.array(
            [np.nan if effect is None else effect for effect in valued.break_even], dtype=np.float64
        ),
        "reason": np.array(
            [f"held back to measure: {text}" if out else text for text, out in zip(valued.reasons, held, strict=True)],
            dtype=object,
        ),
        "stratum": np.array(plan.people.stratum_names, dtype=object)[people.strata[who]],
        "as_of": np.full(len(who), people.as_of, dtype="datetime64[us]"),
        "horizon_days": np.full(len(who), people.horizon_days, dtype=np.int32),
        "_customer": who,
        "_action": np.full(len(who), at),
    }


def write_plan(connection: duckdb.DuckDBPyConnection, rows: dict[str, npt.NDArray[Any]], out: Path) -> None:
    """Write the plan atomically: as CSV when the file name ends in .csv, else as Parquet."""
    form = "format csv, header" if out.suffix.lower() == ".csv" else "format parquet"
    count = len(rows["customer_id"])
    selected = [f"cast({name} as {kind}) as {name}" for name, kind in COLUMNS.items()]
    selected[list(COLUMNS).index("break_even_effect")] = (
        "case when isnan(break_even_effect) then null else break_even_effect end as break_even_effect"
    )
    connection.register("plan_to_write", {name: rows[name] for name in COLUMNS} | {"_row": np.arange(count)})
    try:
        with atomic_file(out) as partial:
            query = f"select {', '.join(selected)} from plan_to_write order by _row"
            connection.execute(f"copy ({query}) to {literal(str(partial))} ({form})")
    finally:
        connection.unregister("plan_to_write")
