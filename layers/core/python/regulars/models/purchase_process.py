"""The purchase process: a customer's coming orders, forecast from past days of purchase, in NumPy on learnt constants.

While alive, a customer buys as a Poisson process and leaves at a constant hazard. Both rates are gamma-distributed over
customers (Pareto/NBD: Schmittlein, Morrison & Colombo 1987). Spend per day of purchase is gamma-distributed; its scale
differs by customer and is gamma-distributed too (Gamma-Gamma: Fader & Hardie 2013). An order of the process is a day
with orders. A customer's numbers depend on that customer's row only: they are the same bits alone as among many.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from regulars.arrays import FloatArray, log_odds
from regulars.features.table import FeatureTable

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
"""Gauss-Legendre nodes and weights of the integral in `_log_left`."""

HORIZONS = (1.0, 3.0, 7.0, 14.0, 30.0, 60.0, 120.0, 240.0, 480.0, 730.0)
"""Horizons (days) searched for the next order; none within the last means NaN."""


class Process(BaseModel):
    """The learnt constants; time in days, money in minor units.

    Purchase rates are Gamma(r, alpha) and hazards of leaving Gamma(s, beta); a day's spend is Gamma(p, v) with v from
    Gamma(q, gamma).
    """

    r: float = Field(gt=0)
    alpha: float = Field(gt=0)
    s: float = Field(gt=0)
    beta: float = Field(gt=0)
    p: float = Field(gt=0)
    q: float = Field(gt=1)
    gamma: float = Field(gt=0)


@dataclass(frozen=True)
class Purchases:
    """What the process reads of n customers: arrays of shape (n,).

    `repeats` are days of purchase after the first, `last` the days from the first to the last of them, `age` the days
    from the first to `as_of`, `spend` the mean spend on a day of purchase in minor units.
    """

    repeats: FloatArray
    last: FloatArray
    age: FloatArray
    spend: FloatArray

    @classmethod
    def from_table(cls, table: FeatureTable) -> "Purchases":
        """Read them from a feature table. Negative spend, possible in a lake made elsewhere, counts as zero."""
        columns = table.columns
        last = columns["last_repeat_days"]
        return cls(
            columns["repeat_days"],
            last,
            np.maximum(columns["customer_age_days"], last),
            np.maximum(columns["mean_purchase_day_cents"], 0.0),
        )

    def __getitem__(self, rows: npt.NDArray[np.intp]) -> "Purchases":
        """Return those of some customers."""
        return Purchases(self.repeats[rows], self.last[rows], self.age[rows], self.spend[rows])


def _log_left(process: Process, repeats: FloatArray, last: FloatArray, age: FloatArray) -> FloatArray:
    """Return the log density of the purchases of customers who left between `last` and `age`.

    It is the integral over u in (last, age) of s beta^s (beta + u)^-(s+1) (alpha + u)^-(r+x), where x are the repeats.
    The integrand has a sharp peak when x is large. After substituting w = ((alpha + last) / (alpha + u))^(r+x+s) it is
    nearly constant, so that a few fixed nodes are exact enough.
    """
    start = process.alpha + last
    power = process.r + repeats + process.s
    lowest = np.exp(power * np.log(start / (process.alpha + age)))
    total = np.zeros_like(start)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        w = lowest + (1.0 - lowest) * ((node + 1.0) / 2.0)
        width = start + (process.beta - process.alpha) * np.exp(np.log(w) / power)
        total += weight / 2.0 * np.exp(-(process.s + 1.0) * np.log(width))
    outside = np.log(process.s) + process.s * np.log(process.beta) - (process.r + repeats - 1.0) * np.log(start)
    with np.errstate(divide="ignore"):  # an interval without length: nobody left in it, the log is -inf
        log_density: FloatArray = outside - np.log(power) + np.log((1.0 - lowest) * total)
    return log_density


def _log_stayed(process: Process, repeats: FloatArray, age: FloatArray) -> FloatArray:
    """Return the log density of the purchases of customers who stayed for `age` days."""
    staying = -process.s * np.log1p(age / process.beta)
    log_density: FloatArray = staying - (process.r + repeats) * np.log(process.alpha + age)
    return log_density


def log_density(process: Process, purchases: Purchases, days: FloatArray | float = 0.0) -> FloatArray:
    """Return the log density of the purchases, and of none in the next `days`; shape (n,)."""
    end = purchases.age + days
    stayed = _log_stayed(process, purchases.repeats, end)
    log: FloatArray = np.logaddexp(stayed, _log_left(process, purchases.repeats, purchases.last, end))
    return log


def p_alive(process: Process, purchases: Purchases, past: FloatArray | None = None) -> FloatArray:
    """Return P(alive): the probability that the customer has not left; shape (n,).

    `past` is the `log_density` of the purchases, if known.
    """
    past = log_density(process, purchases) if past is None else past
    probability: FloatArray = np.exp(_log_stayed(process, purchases.repeats, purchases.age) - past)
    return probability


def p_no_order(
    process: Process, purchases: Purchases, days: FloatArray | float, past: FloatArray | None = None
) -> FloatArray:
    """Return P(no order in the next `days`); shape (n,). `past` is the `log_density` of the purchases, if known.

    It is the density of the purchases followed by no order, divided by the density of the purchases.
    """
    past = log_density(process, purchases) if past is None else past
    probability: FloatArray = np.exp(np.minimum(log_density(process, purchases, days) - past, 0.0))
    return probability


def expected_orders(process: Process, purchases: Purchases, days: float, alive: FloatArray | None = None) -> FloatArray:
    """Return the expected days of purchase in the next `days` (Schmittlein, Morrison & Colombo 1987, eq. 22).

    `alive` is `p_alive`, if known. Shape (n,).
    """
    rate = (process.r + purchases.repeats) / (process.alpha + purchases.age)
    from_now = process.beta + purchases.age
    growth = np.log1p(days / from_now)
    # The integral of ((beta + T) / (beta + T + u))^s. Its closed form divides by 1 - s; at s = 1 it is the logarithm.
    less = 1.0 - process.s
    stay = from_now * (np.expm1(less * growth) / less if abs(less) > 1e-6 else growth)  # noqa: PLR2004 - nearly zero
    expected: FloatArray = (p_alive(process, purchases) if alive is None else alive) * rate * stay
    return expected


def expected_spend(process: Process, purchases: Purchases) -> FloatArray:
    """Return the expected spend on a day of purchase, in minor units (Fader & Hardie 2013, eq. 5); shape (n,)."""
    days = purchases.repeats + 1.0
    mean: FloatArray = process.p * (process.gamma + days * purchases.spend) / (process.p * days + process.q - 1.0)
    return mean


def days_to_next_order(process: Process, purchases: Purchases, shift: FloatArray, horizon_days: int) -> FloatArray:
    """Return after how many days P(no order) falls to one half; NaN when not within HORIZONS; shape (n,).

    `shift` (n,), in log odds, corrects the process's P(no order in the horizon) to that of the models.
    """
    horizons = sorted({*HORIZONS, float(horizon_days)})
    past = log_density(process, purchases)
    days = np.full_like(purchases.age, np.nan)

    def odds(rows: npt.NDArray[np.intp], horizon: float) -> FloatArray:
        return log_odds(p_no_order(process, purchases[rows], horizon, past[rows])) + shift[rows]

    rows = np.arange(len(days))
    rows = rows[odds(rows, horizons[-1]) <= 0.0]  # the others stay NaN
    before = np.full(len(rows), 30.0)  # log odds of no order within 0 days: certain
    start = 0.0
    for end in horizons:
        now = odds(rows, end)
        reached = now <= 0.0
        share = np.clip(before / np.where(reached, before - now, 1.0), 0.0, 1.0)
        days[rows[reached]] = start + (end - start) * share[reached]
        rows, before, start = rows[~reached], now[~reached], end
    return days
