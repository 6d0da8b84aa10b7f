"""One customer or many, decided by a plan's prices: the same rule that the plan used, for customers it never saw."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.actions.control import action_draws, customer_draws, uniform
from regulars.actions.effects import Columns, EffectSource, Floats
from regulars.actions.expressions import Compiled, compile_catalogue
from regulars.actions.offers import SINCE, Offers, offers
from regulars.actions.shadow_prices import ShadowPrices
from regulars.actions.value import gains, worth
from regulars.actions.words import reasons
from regulars.expressions.compiler import Source

ROW, TABLE = "row_of_request", "customers_to_advise"
NOISE = 1e-6


@dataclass(frozen=True)
class Recommendation:
    """What to do for one customer; money in units of currency. `action` is None when nothing pays."""

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
    """Return each customer's best action at the plan's prices, in the order of `columns`.

    `columns` holds customer_id, the scores and whatever the catalogue's expressions name. One action a customer, the
    best; control by the customer's own random draw, since strata need the whole plan. `compiled` is what
    `compiled_for` made of the same kinds of columns, where it is at hand. CatalogueError when a column is missing.
    """
    count = len(columns["customer_id"])
    if not count:
        return []
    table = _evaluated(connection, columns, prices, compiled)
    found = offers(prices.catalogue, table)
    profit, reduced = _profits(columns, found, prices, sources)
    best = reduced.argmax(axis=0)
    ids = [str(one) for one in columns["customer_id"]]
    answers: list[Recommendation | None] = [None] * count
    draws = customer_draws(ids, prices.catalogue.plan.salt)
    for at, action in enumerate(prices.catalogue.action):
        who = np.flatnonzero((best == at) & (reduced[at] > 0))
        held = uniform(action_draws(draws[who], action.name)) < prices.catalogue.plan.control
        part = {name: values[who] for name, values in columns.items()}
        effect = sources[action.name].of(part, len(who))
        scale = 10.0**prices.catalogue.plan.minor_units
        value = worth(part, effect, found.cost[at, who], prices.margin, scale)
        words = reasons(part, effect, value, scale)
        for row, customer in enumerate(who):
            answers[customer] = Recommendation(
                customer_id=ids[customer],
                action=action.name,
                channel=action.channel,
                arm="control" if held[row] else "treated",
                cost=0.0 if held[row] else float(value.cost[row]) / scale,
                expected_profit=0.0 if held[row] else float(value.profit[row]) / scale,
                low=0.0 if held[row] else float(value.low[row]) / scale,
                high=0.0 if held[row] else float(value.high[row]) / scale,
                break_even_effect=break_even(value.break_even[row], effect.on, effect.how, scale),
                reason=("held back to measure: " if held[row] else "") + words[row],
            )
    return [answer or _nothing(ids[at], found.eligible[:, at], profit[:, at] > 0) for at, answer in enumerate(answers)]


def break_even(value: float, on: str, how: str, scale: float) -> float | None:
    """Return a break-even effect in units that users write: money in units of currency, None where there is none."""
    if np.isnan(value):
        return None
    return float(value / scale if (on, how) == ("value", "absolute") else value)


def compiled_for(connection: duckdb.DuckDBPyConnection, columns: Columns, prices: ShadowPrices) -> Compiled:
    """Compile the catalogue's expressions for columns of these names and types."""
    with _registered(connection, columns):
        described = connection.execute(f"describe select * from {TABLE}").fetchall()
        source = Source("the customers' columns", {str(row[0]): str(row[1]) for row in described})
        return compile_catalogue(connection, prices.catalogue, source)


def _evaluated(
    connection: duckdb.DuckDBPyConnection, columns: Columns, prices: ShadowPrices, compiled: Compiled | None
) -> dict[str, npt.NDArray[Any]]:
    """Work out the catalogue's expressions on the columns."""
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


def _profits(
    columns: Columns, found: Offers, prices: ShadowPrices, sources: Mapping[str, EffectSource]
) -> tuple[Floats, Floats]:
    """Return profit and profit beyond the prices, shape (actions, customers); -inf where it must not be."""
    rows = found.cost.shape[1]
    scale = 10.0**prices.catalogue.plan.minor_units
    profit = np.empty_like(found.cost)
    for at, action in enumerate(prices.catalogue.action):
        gain = gains(columns, sources[action.name].of(columns, rows), prices.margin, scale)
        profit[at] = acceptable(gain, found.cost[at], found.eligible[at], prices.catalogue.plan.min_return)
    asked = np.array([prices.actions.get(name, 0.0) for name in prices.catalogue.actions])[:, None]
    reduced = np.where(profit > 0, profit - prices.budget * found.cost - asked, -np.inf)
    return profit, reduced


def acceptable(gain: Floats, cost: Floats, eligible: npt.NDArray[np.bool_], min_return: float) -> Floats:
    """Return gain less cost where the action may be done and returns enough on its cost, else 0: no offer."""
    profit = gain - cost
    # What just reaches the minimum counts: a millionth of a minor unit is the noise of adding doubles.
    return np.where(eligible & (profit > NOISE) & (profit >= min_return * cost - NOISE), profit, 0.0)


def _nothing(customer: str, eligible: npt.NDArray[np.bool_], pays: npt.NDArray[np.bool_]) -> Recommendation:
    if not eligible.any():
        why = "no action is open to this customer"
    elif not pays.any():
        why = "no action is expected to bring more than it costs"
    else:
        why = "the budget and the capacities bring more with other customers"
    return Recommendation(customer, None, None, None, 0.0, 0.0, 0.0, 0.0, None, why)
