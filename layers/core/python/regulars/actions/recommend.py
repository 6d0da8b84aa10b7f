"""Recommend an action for each customer by a plan's shadow prices: the plan's own rule, also for new customers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.actions.effects.effect import Columns, EffectSource
from regulars.actions.expressions import Compiled, compile_catalogue
from regulars.actions.offers import SINCE, Offers, offers
from regulars.actions.random_draws import RandomDraws, action_draws, customer_draws, uniform
from regulars.actions.shadow_prices import ShadowPrices
from regulars.actions.valuation import Valuation
from regulars.arrays import FloatArray
from regulars.expressions.compiler import Source

ROW, TABLE = "row_of_request", "customers_to_advise"


@dataclass(frozen=True)
class Recommendation:
    """The action for one customer, None when no action pays; money in units of currency."""

    customer_id: str
    action: str | None
    channel: str | None
    arm: str | None
    cost: float
    expected_profit: float
    low: float
    high: float
    break_even_effect: float | None
    reason: str


def recommend(
    connection: duckdb.DuckDBPyConnection,
    columns: Columns,
    prices: ShadowPrices,
    sources: Mapping[str, EffectSource],
    compiled: Compiled | None = None,
) -> list[Recommendation]:
    """Return each customer's best action at the shadow prices, in the order of `columns`.

    `columns` holds customer_id, the scores, and all columns that the catalogue's expressions name. Each customer gets
    at most one action. Control is decided by the customer's own random draw, because strata need the whole plan.
    `compiled` is an earlier result of `compiled_for`. CatalogueError: a column is missing.
    """
    if not len(columns["customer_id"]):
        return []
    valuation = Valuation(prices.catalogue, sources, prices.margin)
    offered = offers(prices.catalogue, _evaluated(connection, columns, prices, compiled))
    profit = valuation.profits(valuation.gains(columns), offered)
    reduced = _reduced(profit, offered, prices)
    best = reduced.argmax(axis=0)
    ids = [str(customer_id) for customer_id in columns["customer_id"]]
    draws = customer_draws(ids, prices.catalogue.plan.salt)
    recommended: dict[int, Recommendation] = {}
    for at in range(len(prices.catalogue.action)):
        customers = np.flatnonzero((best == at) & (reduced[at] > 0))
        part = {name: values[customers] for name, values in columns.items()}
        rows = _recommendations(valuation, at, part, offered.cost[at, customers], draws[customers])
        recommended |= zip(customers.tolist(), rows, strict=True)
    return [
        recommended.get(at) or _no_action(customer_id, offered.eligible[:, at], profit[:, at] > 0)
        for at, customer_id in enumerate(ids)
    ]


def compiled_for(connection: duckdb.DuckDBPyConnection, columns: Columns, prices: ShadowPrices) -> Compiled:
    """Compile the catalogue's expressions for columns of these names and types."""
    with _registered(connection, columns):
        described = connection.execute(f"describe select * from {TABLE}").fetchall()
        source = Source("the customers' columns", {str(row[0]): str(row[1]) for row in described})
        return compile_catalogue(connection, prices.catalogue, source)


def _evaluated(
    connection: duckdb.DuckDBPyConnection, columns: Columns, prices: ShadowPrices, compiled: Compiled | None
) -> dict[str, npt.NDArray[Any]]:
    """Return the values of the catalogue's expressions."""
    compiled = compiled or compiled_for(connection, columns, prices)
    with _registered(connection, columns):
        kept = [name for name in ("customer_id", SINCE) if name in columns]
        return compiled.fetch(connection, TABLE, kept, ROW)


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, columns: Columns) -> Iterator[None]:
    connection.register(TABLE, {**columns, ROW: np.arange(len(columns["customer_id"]))})
    try:
        yield
    finally:
        connection.unregister(TABLE)


def _reduced(profit: FloatArray, offered: Offers, prices: ShadowPrices) -> FloatArray:
    """Return profit less the shadow prices of what each offer uses; -inf where there is no profit."""
    of_actions = np.array([prices.actions.get(name, 0.0) for name in prices.catalogue.actions])[:, None]
    return np.where(profit > 0, profit - prices.budget * offered.cost - of_actions, -np.inf)


def _recommendations(
    valuation: Valuation, at: int, columns: Columns, cost: FloatArray, draws: RandomDraws
) -> list[Recommendation]:
    """Recommend one action to all customers of `columns`, and hold back those with the lowest draws as control."""
    action, scale = valuation.catalogue.action[at], valuation.scale
    control = uniform(action_draws(draws, action.name)) < valuation.catalogue.plan.control
    valued = valuation.valued(at, columns, cost)
    worth = valued.worth
    money = [np.where(control, 0.0, amounts / scale) for amounts in (worth.cost, worth.profit, worth.low, worth.high)]
    return [
        Recommendation(
            customer_id=str(customer_id),
            action=action.name,
            channel=action.channel,
            arm="control" if held else "treated",
            cost=spent,
            expected_profit=profit,
            low=low,
            high=high,
            break_even_effect=break_even,
            reason=("held back to measure: " if held else "") + reason,
        )
        for customer_id, held, spent, profit, low, high, break_even, reason in zip(
            columns["customer_id"],
            control.tolist(),
            *(amounts.tolist() for amounts in money),
            valued.break_even,
            valued.reasons,
            strict=True,
        )
    ]


def _no_action(customer_id: str, eligible: npt.NDArray[np.bool_], pays: npt.NDArray[np.bool_]) -> Recommendation:
    if not eligible.any():
        reason = "no action is open to this customer"
    elif not pays.any():
        reason = "no action is expected to bring more than it costs"
    else:
        reason = "the budget and the capacities bring more with other customers"
    return Recommendation(customer_id, None, None, None, 0.0, 0.0, 0.0, 0.0, None, reason)
