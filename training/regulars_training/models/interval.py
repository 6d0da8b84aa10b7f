"""The 80 % interval. Its lower end is zero for customers who may not order, so its upper level depends on them."""

import numpy as np
from scipy.optimize import brentq

from regulars.arrays import FloatArray, inverse_logit
from regulars.models.tasks.clv import Forecast

COVERAGE, LOWER = 0.8, 0.1
LOG_ODDS = np.linspace(-1.5, 1.5, 121)
"""Candidate corrections."""

TRUST = 0.5
"""Share of a window's correction that is applied: in the measured data, half of it was season."""


def upper_level(no_order: FloatArray, correction: float = 0.0) -> float:
    """Return the quantile level of the upper end with an expected coverage of 80 % over these customers.

    A customer's interval covers P(no order) or the upper level, whichever is larger, minus the probability below its
    lower end. The level is at least .5, so that the median lies inside. `correction` is in log odds.
    """

    def gap(level: float) -> float:
        below = np.where(no_order < LOWER, LOWER, 0.0)
        return float(np.mean(np.maximum(no_order, level) - below)) - COVERAGE

    if gap(0.5) >= 0:
        return 0.5
    level = brentq(gap, 0.5, 0.999) if gap(0.999) > 0 else 0.999
    return max(float(inverse_logit(np.log(level / (1 - level)) + correction)), 0.5)


def coverage(value: FloatArray, forecast: Forecast, upper: float | None = None) -> float:
    """Return the share of customers whose value lies in their interval, ends included."""
    low, high = forecast.interval if upper is None else (forecast.quantile(LOWER), forecast.quantile(upper))
    # Served ends are whole minor units, as actual values are.
    return float(np.mean((value >= np.rint(low)) & (value <= np.rint(high))))


def correction(value: FloatArray, forecast: Forecast) -> float:
    """Return the conformal correction: a shift of the upper level, in log odds, for 80 % coverage on held-out time."""
    start = upper_level(forecast.no_order)
    odds = np.log(start / (1 - start))
    covered = np.array([coverage(value, forecast, float(inverse_logit(odds + by))) for by in LOG_ODDS])
    error = np.abs(covered - COVERAGE) + 1e-4 * np.abs(LOG_ODDS)
    return TRUST * float(LOG_ODDS[int(error.argmin())])
