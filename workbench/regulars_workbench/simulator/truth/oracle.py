"""What a customer will do in expectation, by whoever knows the hidden traits: orders, value, and the chance of none."""

from dataclasses import dataclass
from math import factorial

import numpy as np

from regulars_workbench.simulator.clock import YEAR, Clock, Flags, Floats
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.shop import Shop

HORIZONS = (30, 90, 180, 365)
NODES = (*range(0, 90, 10), *range(90, 361, 30), 365)
"""The days between which the integral over the unknown day of leaving is a trapezoid; each horizon is one."""


@dataclass(frozen=True)
class Forecast:
    """For each horizon of `HORIZONS` in days: expected orders, and the chance of no order; shape (customers,) each."""

    orders: dict[int, Floats]
    silent: dict[int, Floats]


def forecast(shop: Shop, ahead: Clock, block: People, day: float, waited: Floats) -> Forecast:
    """Return what to expect of each customer from `day` on, given everything but chance to come.

    `ahead` is the clock from `day` on, `waited` the shopping days since each one's last order. Known are the traits,
    who has left, and whose interest fades: its slope tells the day. The others' leaving is memoryless: it comes after
    their fading time and an exponential time (Schmittlein, Morrison & Colombo 1987, with the fading as a delay).
    Nothing is expected of those who left; those yet to sign up are not meant. The chance of no order is exact up to the
    quadrature's step; the expected orders too, for a Poisson process (`regularity` 1), else as `_mean` says.
    """
    left = block.leaves - day
    fading = left < block.fade
    gone = left <= 0
    orders, silent = _settled(shop, ahead, block, waited)
    for horizon in HORIZONS:
        until = ahead.shopping(np.clip(np.minimum(left, horizon), 0, None))
        orders[horizon] = _choose(gone, fading, 0.0, _mean(shop, block, waited, until), orders[horizon])
        silent[horizon] = _choose(gone, fading, 1.0, _silent(shop, block, waited, until), silent[horizon])
    return Forecast(orders, silent)


def _choose(gone: Flags, fading: Flags, nothing: float, known: Floats, settled: Floats) -> Floats:
    return np.where(gone, nothing, np.where(fading, known, settled))


def _settled(shop: Shop, ahead: Clock, block: People, waited: Floats) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Integrate over the day of leaving, by the trapezoid rule, with S(t) = exp(-hazard * max(0, t - fade))."""
    orders, silent = {}, {}
    mean, none = np.zeros(len(block)), np.zeros(len(block))
    alive, expected, quiet = np.ones(len(block)), np.zeros(len(block)), np.ones(len(block))
    for day in NODES[1:]:
        then = np.exp(-block.hazard / YEAR * np.maximum(0.0, day - block.fade))
        shopping = float(ahead.shopping(np.array([day]))[0])
        reached, still = _mean(shop, block, waited, shopping), _silent(shop, block, waited, shopping)
        mean += (alive + then) / 2 * (reached - expected)
        none += (alive - then) * (quiet + still) / 2
        alive, expected, quiet = then, reached, still
        if day in HORIZONS:
            orders[day], silent[day] = mean.copy(), none + alive * quiet
    return orders, silent


def _silent(shop: Shop, block: People, waited: Floats, shopping: Floats | float) -> Floats:
    """Return the chance of no order in the next `shopping` days of one who stays: a ratio of Erlang survivals."""
    pace = shop.regularity * block.rate / YEAR
    if shop.regularity == 1:
        return np.exp(-pace * shopping)
    return _erlang(shop, pace * (waited + shopping)) / _erlang(shop, pace * waited) * np.exp(-pace * shopping)


def _mean(shop: Shop, block: People, waited: Floats, shopping: Floats | float) -> Floats:
    """Return the expected orders in the next `shopping` days of one who stays.

    For Erlang gaps the renewal function less its vanishing terms (Cox 1962, Renewal Theory, section 4): rate * t plus
    the head start (mean phase - (k - 1) / 2) / k, which is phased in over the first gap; 1 % right from one gap on.
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
