"""Why an action, in words: what it changes for this customer, what that brings, and when it would no longer pay."""

import numpy as np

from regulars.actions.effects import Columns, Effect
from regulars.actions.value import Worth

PERCENT = 100.0


def reasons(columns: Columns, effect: Effect, worth: Worth, scale: float) -> list[str]:
    """Return one sentence a customer; money in units of currency (`scale` minor units each)."""
    gain, cost = worth.gain / scale, worth.cost / scale
    changes = _changes(columns, effect, scale)
    even = break_even_words(effect, worth, scale)
    return [
        f"{change}: {brings:,.2f} more margin for {costs:,.2f}; {at}"
        for change, brings, costs, at in zip(changes, gain.tolist(), cost.tolist(), even, strict=True)
    ]


def _changes(columns: Columns, effect: Effect, scale: float) -> list[str]:
    """Say what is expected to change, from what to what."""
    if effect.on == "churn":
        now = np.asarray(columns["churn_probability"], dtype=np.float64)
        then = np.clip(now * (1 + effect.likely) if effect.how == "relative" else now + effect.likely, 0.0, 1.0)
        pairs = zip((PERCENT * now).tolist(), (PERCENT * then).tolist(), strict=True)
        return [f"churn {a:.1f} % to {b:.1f} %" for a, b in pairs]
    name, what = ("predicted_orders", "orders") if effect.on == "orders" else ("predicted_value", "revenue")
    now = np.asarray(columns[name], dtype=np.float64)
    change = effect.likely / (scale if (effect.on, effect.how) == ("value", "absolute") else 1.0)
    then = np.maximum(now * (1 + change) if effect.how == "relative" else now + change, 0.0)
    return [f"{what} {a:,.2f} to {b:,.2f}" for a, b in zip(now.tolist(), then.tolist(), strict=True)]


def break_even_words(effect: Effect, worth: Worth, scale: float) -> list[str]:
    """Say at which effect the action just pays for itself, in the effect's own terms."""
    values = worth.break_even
    if effect.how == "relative":
        said = [f"pays from {PERCENT * one:+.2f} % on" for one in values.tolist()]
    elif effect.on == "churn":
        said = [f"pays from {PERCENT * one:+.2f} points on" for one in values.tolist()]
    elif effect.on == "orders":
        said = [f"pays from {one:+.3f} orders on" for one in values.tolist()]
    else:
        said = [f"pays from {one:+,.2f} of revenue on" for one in (values / scale).tolist()]
    return ["there is nothing to gain" if none else one for none, one in zip(np.isnan(values), said, strict=True)]
