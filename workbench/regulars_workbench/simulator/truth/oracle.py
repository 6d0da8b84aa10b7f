"""What to expect of a customer whose hidden traits are known: orders, and the probability of no order."""

from dataclasses import dataclass
from math import factorial

import numpy as np

from regulars_workbench.simulator.clock import YEAR, Clock, Flags, Floats
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.shop import Shop

HORIZONS = (30, 90, 180, 365)
NODES = (*range(0, 90, 10), *range(90, 361, 30), 365)
"""Days at which the integral over the unknown day of leaving is evaluated (trapezoid rule). Each horizon is one."""


@dataclass(frozen=True)
class Forecast:
    """By horizon of `HORIZONS` in days: expected orders, and P(no order); shape (customers,) each."""

    orders: dict[int, Floats]
    p_no_order: dict[int, Floats]


def forecast(shop: Shop, ahead: Clock, block: People, day: float, waited: Floats) -> Forecast:
    """Return each customer's forecast from `day` on, given the hidden traits.

    `ahead` is the clock from `day` on, `waited` the shopping days since each customer's last order. The oracle knows
    who has left, and when customers with fading interest will leave: the slope shows the day. All others leave after
    their fading time and an exponential time (Schmittlein, Morrison & Colombo 1987, with the fading as a delay).
    Customers who left order nothing. Those who sign up later get no meaningful value. P(no order) is exact up to the
    integration step. So are the expected orders of a Poisson process (`regularity` 1); else see `_mean`.
    """
    left = block.leaves - day
    fading = left < block.fade
    gone = left <= 0
    orders, p_no_order = _day_unknown(shop, ahead, block, waited)
    for horizon in HORIZONS:
        until = ahead.shopping(np.clip(np.minimum(left, horizon), 0, None))
        orders[horizon] = _choose(gone, fading, 0.0, _mean(shop, block, waited, until), orders[horizon])
        p_no_order[horizon] = _choose(gone, fading, 1.0, _p_no_order(shop, block, waited, until), p_no_order[horizon])
    return Forecast(orders, p_no_order)


def _choose(gone: Flags, fading: Flags, value_gone: float, known_day: Floats, unknown_day: Floats) -> Floats:
    return np.where(gone, value_gone, np.where(fading, known_day, unknown_day))


def _day_unknown(
    shop: Shop, ahead: Clock, block: People, waited: Floats
) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Integrate over the unknown day of leaving, by the trapezoid rule: S(t) = exp(-hazard * max(0, t - fade))."""
    orders, p_no_order = {}, {}
    mean, none = np.zeros(len(block)), np.zeros(len(block))
    alive, expected, quiet = np.ones(len(block)), np.zeros(len(block)), np.ones(len(block))
    for day in NODES[1:]:
        then = np.exp(-block.hazard / YEAR * np.maximum(0.0, day - block.fade))
        shopping = float(ahead.shopping(np.array([day]))[0])
        reached, still = _mean(shop, block, waited, shopping), _p_no_order(shop, block, waited, shopping)
        mean += (alive + then) / 2 * (reached - expected)
        none += (alive - then) * (quiet + still) / 2
        alive, expected, quiet = then, reached, still
        if day in HORIZONS:
            orders[day], p_no_order[day] = mean.copy(), none + alive * quiet
    return orders, p_no_order


def _p_no_order(shop: Shop, block: People, waited: Floats, shopping: Floats | float) -> Floats:
    """Return P(no order) in the next `shopping` days of a customer who stays: a ratio of Erlang survivals."""
    pace = shop.regularity * block.rate / YEAR
    if shop.regularity == 1:
        return np.exp(-pace * shopping)
    return _erlang(shop, pace * (waited + shopping)) / _erlang(shop, pace * waited) * np.exp(-pace * shopping)


def _mean(shop: Shop, block: People, waited: Floats, shopping: Floats | float) -> Floats:
    """Return the expected orders in the next `shopping` days of a customer who stays.

    For Erlang gaps this is the renewal function without its vanishing terms (Cox 1962, Renewal Theory, section 4):
    rate * t plus the head start (mean phase - (k - 1) / 2) / k, phased in over the first gap. The error is below 1 %
    from one gap on.
    """
    order = shop.regularity
    mean = block.rate / YEAR * shopping
    if order == 1:
        return mean
    passed = order * block.rate / YEAR * waited
    weights = [passed**phase / factorial(phase) for phase in range(order)]
    phase = sum(place * weight for place, weight in enumerate(weights)) / sum(weights)
    head_start = (phase - (order - 1) / 2) / order
    return np.maximum(mean + head_start * -np.expm1(-order * mean), 0.0)


def _erlang(shop: Shop, events: Floats) -> Floats:
    """Return the survival of an Erlang gap, times exp(events)."""
    terms = [events**number / factorial(number) for number in range(shop.regularity)]
    return np.asarray(np.sum(terms, axis=0), dtype=np.float64)
