"""Reasons in words: what an action changes for a customer, what that brings, and from which effect on it pays."""

import numpy as np

from regulars.actions.effects.effect import Columns, Effect
from regulars.actions.value import Worth

PERCENT = 100.0


def reasons(columns: Columns, effect: Effect, worth: Worth, scale: float) -> list[str]:
    """Return one sentence for each customer; money in units of currency (`scale` minor units each)."""
    gain, cost = worth.gain / scale, worth.cost / scale
    changes = _changes(columns, effect, scale)
    break_evens = _break_evens(effect, worth, scale)
    return [
        f"{change}: {extra:,.2f} more margin for {price:,.2f}; {break_even}"
        for change, extra, price, break_even in zip(changes, gain.tolist(), cost.tolist(), break_evens, strict=True)
    ]


def _changes(columns: Columns, effect: Effect, scale: float) -> list[str]:
    """Return the expected change: the score now, and the score after the action."""
    if effect.on == "churn":
        now = np.asarray(columns["churn_probability"], dtype=np.float64)
        then = np.clip(now * (1 + effect.likely) if effect.how == "relative" else now + effect.likely, 0.0, 1.0)
        pairs = zip((PERCENT * now).tolist(), (PERCENT * then).tolist(), strict=True)
        return [f"churn {a:.1f} % to {b:.1f} %" for a, b in pairs]
    column, name = ("predicted_orders", "orders") if effect.on == "orders" else ("predicted_value", "revenue")
    now = np.asarray(columns[column], dtype=np.float64)
    change = effect.likely / (scale if effect.is_money else 1.0)
    then = np.maximum(now * (1 + change) if effect.how == "relative" else now + change, 0.0)
    return [f"{name} {a:,.2f} to {b:,.2f}" for a, b in zip(now.tolist(), then.tolist(), strict=True)]


def _break_evens(effect: Effect, worth: Worth, scale: float) -> list[str]:
    """Return the effect from which on the action pays, in the effect's own unit."""
    values = worth.break_even
    if effect.how == "relative":
        texts = [f"pays from {PERCENT * value:+.2f} % on" for value in values.tolist()]
    elif effect.on == "churn":
        texts = [f"pays from {PERCENT * value:+.2f} points on" for value in values.tolist()]
    elif effect.on == "orders":
        texts = [f"pays from {value:+.3f} orders on" for value in values.tolist()]
    else:
        texts = [f"pays from {value:+,.2f} of revenue on" for value in (values / scale).tolist()]
    never = np.isnan(values)
    return ["there is nothing to gain" if none else text for none, text in zip(never, texts, strict=True)]
