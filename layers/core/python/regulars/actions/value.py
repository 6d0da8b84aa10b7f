"""The worth of an action for a customer: expected extra margin over the horizon, less the cost.

    extra revenue = effect x slope, at least -V: no customer brings less than nothing

    effect on        relative to the score       absolute
    churn            -p V / max(1 - p, 0.05)     -V / max(1 - p, 0.05)
    orders           V                           V / max(orders, 0.05)
    value            V                           1

p is the churn probability, V the predicted value. V / (1 - p) is the value of a customer who does order, because
E[value] = P(order) E[value | order]. The floor of 0.05 prevents that a small error of a forecast near zero becomes a
large value of a customer who has almost certainly left.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regulars.actions.effects.effect import Columns, Effect
from regulars.arrays import FloatArray

FLOOR = 0.05
NEEDED = ("churn_probability", "predicted_value", "predicted_orders")
INTERVAL = ("predicted_value_low", "predicted_value_high")


@dataclass(frozen=True)
class Worth:
    """An action's worth for n customers, in minor units: arrays of shape (n,).

    `gain` is the expected extra margin. `by_effect` and `by_value` are how far it may fall below and rise above `gain`,
    at the ends of the 80 % intervals of the effect and of the predicted value.
    """

    gain: FloatArray
    cost: FloatArray
    break_even: FloatArray
    by_effect: tuple[FloatArray, FloatArray]
    by_value: tuple[FloatArray, FloatArray]

    @property
    def profit(self) -> FloatArray:
        """Expected extra margin less cost."""
        return self.gain - self.cost

    @property
    def low(self) -> FloatArray:
        """Lower end of the 80 % interval of the profit; the errors of effect and value are taken as independent."""
        return self.profit - np.hypot(self.by_effect[0], self.by_value[0])

    @property
    def high(self) -> FloatArray:
        """Upper end of that interval."""
        return self.profit + np.hypot(self.by_effect[1], self.by_value[1])


def gains(columns: Columns, effect: Effect, margin: float, scale: float) -> FloatArray:
    """Return the expected extra margin of each customer, in minor units (`scale` of them are one unit of currency)."""
    return margin * _extra(columns, effect, scale)(effect.likely)


def worth(columns: Columns, effect: Effect, cost: FloatArray, margin: float, scale: float) -> Worth:
    """Return the action's worth for each customer, with intervals and the effect at which it breaks even.

    `cost` is in minor units, shape (n,). `break_even` is in the effect's own unit; NaN where no effect would pay.
    """
    extra = _extra(columns, effect, scale)
    likely, ends = extra(effect.likely), (extra(effect.low), extra(effect.high))
    worst, best = np.minimum(*ends), np.maximum(*ends)
    value = _minor(columns, "predicted_value", scale)
    spread = [np.zeros_like(likely), np.zeros_like(likely)]
    if not effect.is_money and all(name in columns for name in INTERVAL):
        for at, name in enumerate(INTERVAL):
            share = np.divide(_minor(columns, name, scale), value, out=np.ones_like(value), where=value > 0)
            spread[at] = np.abs(likely) * np.maximum(share - 1 if at else 1 - share, 0.0)
    down, up = (np.where(likely < 0, spread[1 - at], spread[at]) for at in (0, 1))  # a loss grows with the value
    margin_slope = margin * slope(columns, effect, scale)
    break_even = np.divide(cost, margin_slope, out=np.full_like(likely, np.nan), where=np.abs(margin_slope) > 0)
    return Worth(
        gain=margin * likely,
        cost=cost,
        break_even=break_even,
        by_effect=(margin * np.maximum(likely - worst, 0.0), margin * np.maximum(best - likely, 0.0)),
        by_value=(margin * down, margin * up),
    )


def slope(columns: Columns, effect: Effect, scale: float) -> FloatArray:
    """Return the extra revenue in minor units for one unit of the effect: a share, a probability, an order, a cent."""
    value = _minor(columns, "predicted_value", scale)
    if effect.on == "value":
        return value if effect.how == "relative" else np.ones_like(value)
    if effect.on == "orders":
        return value if effect.how == "relative" else value / np.maximum(columns["predicted_orders"], FLOOR)
    churn = np.asarray(columns["churn_probability"], dtype=np.float64)
    ordering = value / np.maximum(1 - churn, FLOOR)
    return -churn * ordering if effect.how == "relative" else -ordering


def _extra(columns: Columns, effect: Effect, scale: float) -> Callable[[FloatArray], FloatArray]:
    """Return the function from effects to extra revenue, within its bounds."""
    revenue_slope = slope(columns, effect, scale)
    floor = -_minor(columns, "predicted_value", scale)
    churn = np.asarray(columns["churn_probability"], dtype=np.float64)

    def extra(change: FloatArray) -> FloatArray:
        if effect.on == "churn":  # a probability stays between 0 and 1
            unit = churn if effect.how == "relative" else np.ones_like(churn)
            moved = np.clip(churn + unit * change, 0.0, 1.0) - churn
            change = np.divide(moved, unit, out=np.zeros_like(churn), where=unit > 0)
        return np.maximum(revenue_slope * change, floor) + 0.0  # turns -0.0 into 0.0

    return extra


def _minor(columns: Columns, name: str, scale: float) -> FloatArray:
    return np.asarray(columns[name], dtype=np.float64) * scale
