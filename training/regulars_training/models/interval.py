"""The 80 % interval: how high its upper end has to be, since its lower end is zero for whoever may well not order."""

import numpy as np
from scipy.optimize import brentq

from regulars.arrays import FloatArray, inverse_logit
from regulars.models.tasks.clv import Forecast

COVERAGE, LOWER = 0.8, 0.1
LOG_ODDS = np.linspace(-1.5, 1.5, 121)
"""Corrections that are tried."""

TRUST = 0.5
"""How much of a correction that one window asked for is taken over: half of it was season on the data measured."""


def upper_level(no_order: FloatArray, correction: float = 0.0) -> float:
    """Return the level of the upper end at which the intervals are expected to hold 80 % of these customers.

    A customer's interval holds the chance of no order or the upper level, whichever is more, less what lies below.
    At least .5, so that the median lies inside; `correction` is in log odds.
    """

    def gap(level: float) -> float:
        below = np.where(no_order < LOWER, LOWER, 0.0)
        return float(np.mean(np.maximum(no_order, level) - below)) - COVERAGE

    if gap(0.5) >= 0:
        return 0.5
    level = brentq(gap, 0.5, 0.999) if gap(0.999) > 0 else 0.999
    return max(float(inverse_logit(np.log(level / (1 - level)) + correction)), 0.5)


def coverage(value: FloatArray, forecast: Forecast, upper: float | None = None) -> float:
    """Return the share of customers whose value lies within their interval, ends included."""
    low, high = forecast.interval if upper is None else (forecast.quantile(LOWER), forecast.quantile(upper))
    # Answers are whole minor units, and so is what happened.
    return float(np.mean((value >= np.rint(low)) & (value <= np.rint(high))))


def correction(value: FloatArray, forecast: Forecast) -> float:
    """Return the conformal correction: the log odds that bring the upper level to 80 % on held-out time."""
    start = upper_level(forecast.no_order)
    odds = np.log(start / (1 - start))
    covered = np.array([coverage(value, forecast, float(inverse_logit(odds + by))) for by in LOG_ODDS])
    away = np.abs(covered - COVERAGE) + 1e-4 * np.abs(LOG_ODDS)
    return TRUST * float(LOG_ODDS[int(away.argmin())])
