"""The purchase process's forecasts as columns of a feature table, for the models and their reasons."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from regulars.arrays import LEAST_PROBABILITY, FloatArray
from regulars.features.table import FeatureTable
from regulars.models.purchase_process import (
    Process,
    Purchases,
    expected_orders,
    expected_spend,
    log_density,
    p_alive,
    p_no_order,
)

FEATURES = ("process_alive", "process_orders", "process_no_order", "process_spend_cents", "process_value_cents")
"""P(alive), then expected orders, P(no order), spend a day of purchase and value in the label window."""

HORIZON = ("horizon_orders", "horizon_no_order")
"""Expected orders and P(no order) in the whole horizon, which may be longer than the label window."""

MANY = 512
"""Rows from which sorting by similarity saves time."""


def with_process(table: FeatureTable, process: Process, window_days: int, horizon_days: int) -> FeatureTable:
    """Return the table with the columns of FEATURES (for the next `window_days`) and HORIZON (`horizon_days`).

    The result is kept in `table`, since several models need it.
    """
    key = (process.model_dump_json(), window_days, horizon_days)
    if key not in table.derived:
        table.derived[key] = _with_process(table, process, window_days, horizon_days)
    return table.derived[key]


def _with_process(table: FeatureTable, process: Process, window_days: int, horizon_days: int) -> FeatureTable:
    purchases = Purchases.from_table(table)
    past = log_density(process, purchases)
    alive, spend = p_alive(process, purchases, past), expected_spend(process, purchases)
    orders = expected_orders(process, purchases, window_days, alive)
    no_order = p_no_order(process, purchases, window_days, past)
    longer = horizon_days != window_days
    columns = {
        "process_alive": alive,
        "process_orders": orders,
        "process_no_order": no_order,
        "process_spend_cents": spend,
        "process_value_cents": orders * spend,
        "horizon_orders": expected_orders(process, purchases, horizon_days, alive) if longer else orders,
        "horizon_no_order": p_no_order(process, purchases, horizon_days, past) if longer else no_order,
    }
    return replace(table, columns={**table.columns, **columns}, derived={})


def similarity_order(table: FeatureTable) -> npt.NDArray[np.intp] | None:
    """Return the rows sorted by P(no order): similar customers take similar branches; None below MANY rows."""
    return np.argsort(table.columns["process_no_order"]) if len(table) >= MANY else None


def to_horizon(probability: FloatArray, table: FeatureTable) -> FloatArray:
    """Extend P(no order in the label window) to the horizon, by the process's ratio of cumulative hazards; shape (n,).

    The cumulative hazard of ordering is -log P(no order).
    """
    window, horizon = (
        np.log(np.clip(table.columns[name], LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY))
        for name in ("process_no_order", "horizon_no_order")
    )
    clipped = np.clip(probability, 0.001, 0.999)
    extended: FloatArray = np.exp(np.log(clipped) * (horizon / window))
    return extended
