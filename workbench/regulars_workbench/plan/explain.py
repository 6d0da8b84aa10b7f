"""Why this customer gets this action, why not the others, and what would change it."""

from dataclasses import dataclass

import numpy as np

from regulars.actions.effects import Effect
from regulars.actions.recommend import break_even
from regulars.actions.value import Worth
from regulars.actions.words import reasons
from regulars.errors import SourceError
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.solver.problem import Floats


@dataclass(frozen=True)
class Line:
    """One action for the customer; money in units of currency."""

    action: str
    verdict: str
    cost: float
    expected_profit: float
    low: float
    high: float
    beyond_prices: float
    change: str


def explain(plan: Plan, customer: str) -> tuple[list[str], list[Line]]:
    """Return who the customer is, in lines, and each action's verdict; SourceError when nobody is called so."""
    found = np.flatnonzero(plan.people.columns["customer_id"] == customer)
    if not len(found):
        raise SourceError(f"no customer {customer!r} among the {len(plan.people):,} scores; check the id")
    at = int(found[0])
    one = {name: values[at] for name, values in plan.people.columns.items()}
    known = [f"{name} {one[name]}" for name in ("segment", "churn_risk") if name in one]
    facts = (
        f"churn {one['churn_probability']:.1%}, predicted value {one['predicted_value']:,.2f}, "
        f"predicted orders {one['predicted_orders']:.2f}"
    )
    lines = [_line(plan, at, action) for action in range(len(plan.catalogue.action))]
    return [", ".join([facts, *known])], lines


def _line(plan: Plan, at: int, action: int) -> Line:
    who = np.array([at])
    worth = plan.worth(action, who)
    beyond = _beyond(plan, at)
    part = plan.people.part(who)
    effect = plan.sources[plan.catalogue.actions[action]].of(part, 1)
    [words] = reasons(part, effect, worth, plan.scale)
    return Line(
        action=plan.catalogue.actions[action],
        verdict=_verdict(plan, at, action, words),
        cost=float(worth.cost[0]) / plan.scale,
        expected_profit=float(worth.profit[0]) / plan.scale,
        low=float(worth.low[0]) / plan.scale,
        high=float(worth.high[0]) / plan.scale,
        beyond_prices=float(beyond[action]) / plan.scale,
        change=_change(plan, at, action, worth, effect),
    )


def _beyond(plan: Plan, at: int) -> Floats:
    """Return what each action would bring the customer beyond the prices of what it uses."""
    prices = plan.arms.solution.prices
    cost = plan.people.offers.cost[:, at]
    beyond: Floats = plan.gain[:, at] - cost - prices[0] * cost - prices[1:] @ plan.problem.mask
    return beyond


def _verdict(plan: Plan, at: int, action: int, words: str) -> str:
    """Say in words what became of the action for this customer."""
    if plan.arms.treated[action, at]:
        return f"chosen: {words}"
    if plan.arms.control[action, at]:
        return f"held back to measure: {words}"
    offer, found = plan.catalogue.action[action], plan.people.offers
    if found.cooling[action, at]:
        return f"not yet: treated less than {offer.cooldown_days} days ago"
    if not found.eligible[action, at]:
        return f"not eligible: {offer.eligible} does not hold"
    return _not_worth(plan, at, action, words)


def _not_worth(plan: Plan, at: int, action: int, words: str) -> str:
    """Say why an action that the customer might get was not chosen."""
    cost, least = plan.people.offers.cost[action, at], plan.catalogue.plan.min_return
    profit = plan.gain[action, at] - cost
    if profit <= 0:
        return f"does not pay: {words}"
    if profit < least * cost:
        return f"returns {profit / cost:.0%} on its cost of {cost / plan.scale:,.2f}, the plan asks for {least:.0%}"
    return _outbid(plan, at, action, profit, cost)


def _outbid(plan: Plan, at: int, action: int, profit: float, cost: float) -> str:
    """Say what was preferred to an action that would pay: another for this customer, or other customers."""
    chosen = plan.arms.treated[:, at] | plan.arms.control[:, at]
    better = [name for name, has in zip(plan.catalogue.actions, chosen, strict=True) if has]
    if better and _beyond(plan, at)[action] > 0:
        return f"{' and '.join(better)} brings more"
    prices = plan.arms.solution.prices
    asked = (prices[1:] @ plan.problem.mask)[action]
    parts = []
    if prices[0] * cost > 0:
        parts.append(f"its cost would bring {prices[0] * cost / plan.scale:,.2f} of profit with others")
    if asked > 0:
        parts.append(f"its place in the capacity {asked / plan.scale:,.2f}")
    said = f"brings {profit / plan.scale:,.2f}, but {' and '.join(parts)}"
    return said if parts else "just missed: the limits are used up"


def _change(plan: Plan, at: int, action: int, worth: Worth, effect: Effect) -> str:
    """Say which effect would turn the decision: drop the action if chosen, choose it if not."""
    if np.isnan(worth.break_even[0]) or not plan.people.offers.eligible[action, at]:
        return ""
    beyond = _beyond(plan, at)
    others = max([0.0, *np.delete(np.where(plan.problem.profit[:, at] > 0, beyond, 0.0), action)])
    cost = plan.people.offers.cost[action, at]
    needed = float(plan.gain[action, at] - beyond[action] + others)
    least = max(needed, (1 + plan.catalogue.plan.min_return) * cost)
    if cost <= 0 or least <= 0:
        return ""
    turn = break_even(worth.break_even[0] * least / cost, effect.on, effect.how, plan.scale)
    now = break_even(float(effect.likely[0]), effect.on, effect.how, plan.scale)
    if turn is None or now is None:
        return ""
    taken = bool(plan.arms.treated[action, at] or plan.arms.control[action, at])
    word = "until" if taken else "from"
    if effect.how == "relative" or effect.on == "churn":
        return f"chosen {word} an effect of {turn:+.1%} (now {now:+.1%})"
    return f"chosen {word} an effect of {turn:+.2f} (now {now:+.2f})"
