"""The purchase process: what a customer's past days of purchase say of the days to come, in NumPy on learnt constants.

While alive a customer buys as a Poisson process, and leaves at a constant hazard; both rates are gamma-distributed over
customers (Pareto/NBD: Schmittlein, Morrison & Colombo 1987). Spend per day of purchase is gamma-distributed with a
customer's own scale, which is again gamma-distributed (Gamma-Gamma: Fader & Hardie 2013). An order of the process is a
day with orders. Every number of a customer comes from that customer's own row, with the same bits alone as among many.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from regulars.arrays import LEAST_PROBABILITY, FloatArray, inverse_logit, log_odds
from regulars.features.table import FeatureTable

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
"""Of the one integral, over the day of leaving; see `_left`."""

AHEAD_DAYS = (1.0, 3.0, 7.0, 14.0, 30.0, 60.0, 120.0, 240.0, 480.0, 730.0)
"""Where the next order is looked for; who is not expected within the last is not expected back."""

MANY = 512
"""From so many customers on it pays to put them in order."""

FEATURES = ("process_alive", "process_orders", "process_no_order", "process_spend_cents", "process_value_cents")
"""What `with_process` adds for the models: P(alive), then orders, P(no order), spend a day and value in the window."""

HORIZON = ("horizon_orders", "horizon_no_order")
"""What it adds of the whole horizon, which may be longer than the window that training had labels for."""


class Process(BaseModel):
    """The learnt constants, time in days and money in minor units.

    Purchase rates are Gamma(r, alpha), hazards of leaving Gamma(s, beta); a day's spend is Gamma(p, v) with v from
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
    """What the process needs of n customers: arrays of n.

    `repeats` are days of purchase after the first, `last` the days from the first to the last of them, `age` the days
    from the first to the moment of looking, `spend` the mean spend on a day of purchase in minor units.
    """

    repeats: FloatArray
    last: FloatArray
    age: FloatArray
    spend: FloatArray

    @classmethod
    def of(cls, table: FeatureTable) -> "Purchases":
        """Take them from a feature table. Sales below zero, which a lake made elsewhere may hold, count as none."""
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


def _left(process: Process, repeats: FloatArray, last: FloatArray, age: FloatArray) -> FloatArray:
    """Return the log of the integral over leaving at u in (last, age) of the density of leaving then and buying so.

    That is s beta^s (beta + u)^-(s+1) (alpha + u)^-(r+x), which is peaked for those who buy often. Substituting
    w = ((alpha + last) / (alpha + u))^(r+x+s) what remains is nearly constant, so that few fixed nodes do.
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
    with np.errstate(divide="ignore"):  # nobody can have left between two moments that are one
        log: FloatArray = outside - np.log(power) + np.log((1.0 - lowest) * total)
    return log


def _stayed(process: Process, repeats: FloatArray, age: FloatArray) -> FloatArray:
    """Return the log of the probability of staying for `age` days, times the density of buying so."""
    staying = -process.s * np.log1p(age / process.beta)
    log: FloatArray = staying - (process.r + repeats) * np.log(process.alpha + age)
    return log


def bought(process: Process, purchases: Purchases, days: FloatArray | float = 0.0) -> FloatArray:
    """Return the log density of the purchases and of none in the next `days`."""
    moment = purchases.age + days
    stayed = _stayed(process, purchases.repeats, moment)
    log: FloatArray = np.logaddexp(stayed, _left(process, purchases.repeats, purchases.last, moment))
    return log


def alive(process: Process, purchases: Purchases, past: FloatArray | None = None) -> FloatArray:
    """Return P(alive): the probability that the customer has not left yet. `past` is `bought` where it is known."""
    past = bought(process, purchases) if past is None else past
    probability: FloatArray = np.exp(_stayed(process, purchases.repeats, purchases.age) - past)
    return probability


def p_no_order(
    process: Process, purchases: Purchases, days: FloatArray | float, past: FloatArray | None = None
) -> FloatArray:
    """Return P(no order in the next `days`): the density of the past and that silence, over that of the past."""
    past = bought(process, purchases) if past is None else past
    probability: FloatArray = np.exp(np.minimum(bought(process, purchases, days) - past, 0.0))
    return probability


def orders(process: Process, purchases: Purchases, days: float, likely: FloatArray | None = None) -> FloatArray:
    """Return the expected days of purchase in the next `days` (Schmittlein, Morrison & Colombo 1987, eq. 22).

    `likely` is `alive` where it is known.
    """
    rate = (process.r + purchases.repeats) / (process.alpha + purchases.age)
    from_now = process.beta + purchases.age
    grown = np.log1p(days / from_now)
    # The integral of ((beta + T) / (beta + T + u))^s, whose closed form divides by 1 - s: its limit is the logarithm.
    less = 1.0 - process.s
    stay = from_now * (np.expm1(less * grown) / less if abs(less) > 1e-6 else grown)  # noqa: PLR2004 - nearly one
    expected: FloatArray = (alive(process, purchases) if likely is None else likely) * rate * stay
    return expected


def spend(process: Process, purchases: Purchases) -> FloatArray:
    """Return the expected spend on a day of purchase, in minor units (Fader & Hardie 2013, eq. 5)."""
    days = purchases.repeats + 1.0
    mean: FloatArray = process.p * (process.gamma + days * purchases.spend) / (process.p * days + process.q - 1.0)
    return mean


def with_process(table: FeatureTable, process: Process, window_days: int, horizon_days: int) -> FeatureTable:
    """Return the table with the columns of FEATURES (for the next `window_days`) and HORIZON (`horizon_days`).

    Several models ask the same of one table: it is worked out once.
    """
    asked = (process.model_dump_json(), window_days, horizon_days)
    if asked not in table.derived:
        table.derived[asked] = _with_process(table, process, window_days, horizon_days)
    return table.derived[asked]


def _with_process(table: FeatureTable, process: Process, window_days: int, horizon_days: int) -> FeatureTable:
    purchases = Purchases.of(table)
    past = bought(process, purchases)
    likely, each = alive(process, purchases, past), spend(process, purchases)
    expected = orders(process, purchases, window_days, likely)
    none = p_no_order(process, purchases, window_days, past)
    longer = horizon_days != window_days
    columns = {
        "process_alive": likely,
        "process_orders": expected,
        "process_no_order": none,
        "process_spend_cents": each,
        "process_value_cents": expected * each,
        "horizon_orders": orders(process, purchases, horizon_days, likely) if longer else expected,
        "horizon_no_order": p_no_order(process, purchases, horizon_days, past) if longer else none,
    }
    return replace(table, columns={**table.columns, **columns}, derived={})


def alike(table: FeatureTable) -> npt.NDArray[np.intp] | None:
    """Return an order in which customers who are likely to fall into the same leaves are neighbours; of few, None."""
    return np.argsort(table.columns["process_no_order"]) if len(table) >= MANY else None


def shifted(probability: FloatArray, shift: FloatArray | float) -> FloatArray:
    """Move probabilities by `shift` on the scale of log odds."""
    return inverse_logit(log_odds(probability) + shift)


def to_horizon(probability: FloatArray, table: FeatureTable) -> FloatArray:
    """Stretch P(no order in the window) to the horizon, as the process does of each customer: a ratio of hazards."""
    window, horizon = (
        np.log(np.clip(table.columns[name], LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY))
        for name in ("process_no_order", "horizon_no_order")
    )
    inside = np.clip(probability, 0.001, 0.999)
    stretched: FloatArray = np.exp(np.log(inside) * (horizon / window))
    return stretched


def days_to_next(process: Process, purchases: Purchases, shift: FloatArray, horizon_days: int) -> FloatArray:
    """Return in how many days the chance of an order reaches one half, NaN where not within AHEAD_DAYS.

    `shift` (log odds, one a customer) brings the process's P(no order) in the horizon to what the models say of it.
    """
    spans = sorted({*AHEAD_DAYS, float(horizon_days)})
    past = bought(process, purchases)
    days = np.full_like(purchases.age, np.nan)

    def odds(rows: npt.NDArray[np.intp], span: float) -> FloatArray:
        return log_odds(p_no_order(process, purchases[rows], span, past[rows])) + shift[rows]

    rows = np.arange(len(days))
    rows = rows[odds(rows, spans[-1]) <= 0.0]  # the others will not be found at any span
    before = np.full(len(rows), 30.0)  # log odds of no order by now: certain
    start = 0.0
    for end in spans:
        now = odds(rows, end)
        here = now <= 0.0
        share = np.clip(before / np.where(here, before - now, 1.0), 0.0, 1.0)
        days[rows[here]] = start + (end - start) * share[here]
        rows, before, start = rows[~here], now[~here], end
    return days
