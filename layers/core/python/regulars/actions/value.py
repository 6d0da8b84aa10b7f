"""What an action is worth for a customer: expected extra margin over the horizon, less its cost.

    extra revenue = effect x slope, and no customer can bring less than nothing

    effect on        relative to the score       absolute
    churn            p V / max(1 - p, 0.05)      V / max(1 - p, 0.05), both with the sign turned
    orders           V                           V / max(orders, 0.05)
    value            V                           1

with p the churn probability, V the predicted value. V / (1 - p) is what the customer brings who does order: E[value] =
P(order) E[value | order]. The floor of 0.05 keeps a small error in a forecast near zero from becoming a large value of
somebody who is as good as gone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regulars.actions.effects import Columns, Effect, Floats

FLOOR = 0.05
NEEDED = ("churn_probability", "predicted_value", "predicted_orders")
INTERVAL = ("predicted_value_low", "predicted_value_high")


@dataclass(frozen=True)
class Worth:
    """An action's worth for n customers, in minor units: arrays of shape (n,).

    `gain` is the expected extra margin. `by_effect` and `by_value` are how far it may fall below and rise above that,
    at the ends of the 80 % intervals of the effect and of the predicted value.
    """

    gain: Floats
    cost: Floats
    break_even: Floats
    by_effect: tuple[Floats, Floats]
    by_value: tuple[Floats, Floats]

    @property
    def profit(self) -> Floats:
        """Expected extra margin less cost."""
        return self.gain - self.cost

    @property
    def low(self) -> Floats:
        """Lower end of the 80 % interval of the profit: the two errors are taken as independent."""
        return self.profit - np.hypot(self.by_effect[0], self.by_value[0])

    @property
    def high(self) -> Floats:
        """Upper end of that interval."""
        return self.profit + np.hypot(self.by_effect[1], self.by_value[1])


def gains(columns: Columns, effect: Effect, margin: float, scale: float) -> Floats:
    """Return the expected extra margin of each customer, in minor units (`scale` of them are one unit of currency)."""
    return margin * _extra(columns, effect, scale)(effect.likely)


def worth(columns: Columns, effect: Effect, cost: Floats, margin: float, scale: float) -> Worth:
    """Return what the action is worth for each customer, with intervals and the effect at which it breaks even.

    `break_even` is in the effect's own terms; nan where no effect would do, since there is nothing to gain.
    """
    extra = _extra(columns, effect, scale)
    likely, ends = extra(effect.likely), (extra(effect.low), extra(effect.high))
    worst, best = np.minimum(*ends), np.maximum(*ends)
    value = _minor(columns, "predicted_value", scale)
    spread = [np.zeros_like(likely), np.zeros_like(likely)]
    if (effect.on, effect.how) != ("value", "absolute") and all(name in columns for name in INTERVAL):
        for at, name in enumerate(INTERVAL):
            share = np.divide(_minor(columns, name, scale), value, out=np.ones_like(value), where=value > 0)
            spread[at] = np.abs(likely) * np.maximum(share - 1 if at else 1 - share, 0.0)
    down, up = (np.where(likely < 0, spread[1 - at], spread[at]) for at in (0, 1))  # a loss grows with the value
    each = margin * slope(columns, effect, scale)
    break_even = np.divide(cost, each, out=np.full_like(likely, np.nan), where=np.abs(each) > 0)
    return Worth(
        gain=margin * likely,
        cost=cost,
        break_even=break_even,
        by_effect=(margin * np.maximum(likely - worst, 0.0), margin * np.maximum(best - likely, 0.0)),
        by_value=(margin * down, margin * up),
    )


def slope(columns: Columns, effect: Effect, scale: float) -> Floats:
    """Return the extra revenue for one unit of the effect (a share, a probability, an order, a cent)."""
    value = _minor(columns, "predicted_value", scale)
    if effect.on == "value":
        return value if effect.how == "relative" else np.ones_like(value)
    if effect.on == "orders":
        return value if effect.how == "relative" else value / np.maximum(columns["predicted_orders"], FLOOR)
    churn = np.asarray(columns["churn_probability"], dtype=np.float64)
    ordering = value / np.maximum(1 - churn, FLOOR)
    return -churn * ordering if effect.how == "relative" else -ordering


def _extra(columns: Columns, effect: Effect, scale: float) -> Callable[[Floats], Floats]:
    """Return the function from effects to extra revenue, within what is possible."""
    each = slope(columns, effect, scale)
    floor = -_minor(columns, "predicted_value", scale)
    churn = np.asarray(columns["churn_probability"], dtype=np.float64)

    def extra(change: Floats) -> Floats:
        if effect.on == "churn":  # a probability stays between 0 and 1
            unit = churn if effect.how == "relative" else np.ones_like(churn)
            moved = np.clip(churn + unit * change, 0.0, 1.0) - churn
            change = np.divide(moved, unit, out=np.zeros_like(churn), where=unit > 0)
        return np.maximum(each * change, floor) + 0.0  # no minus zero

    return extra


def _minor(columns: Columns, name: str, scale: float) -> Floats:
    return np.asarray(columns[name], dtype=np.float64) * scale
