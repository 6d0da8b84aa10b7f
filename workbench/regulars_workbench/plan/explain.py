"""Why a customer gets an action or not, and which effect would change the decision."""

from dataclasses import dataclass

import numpy as np

from regulars.actions.valuation import ValuedAction
from regulars.errors import SourceError
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.solver.problem import Floats


@dataclass(frozen=True)
class Explanation:
    """One action for one customer, money in units of currency.

    `beyond_prices` is the profit less the shadow prices of what the action uses. `change` may be empty.
    """

    action: str
    verdict: str
    cost: float
    expected_profit: float
    low: float
    high: float
    beyond_prices: float
    change: str


def explain(plan: Plan, customer: str) -> tuple[list[str], list[Explanation]]:
    """Return lines about the customer, and an explanation of each action. SourceError: the id is unknown."""
    places = np.flatnonzero(plan.people.columns["customer_id"] == customer)
    if not len(places):
        raise SourceError(f"no customer {customer!r} among the {len(plan.people):,} scores; check the id")
    at = int(places[0])
    values = {name: column[at] for name, column in plan.people.columns.items()}
    known = [f"{name} {values[name]}" for name in ("segment", "churn_risk") if name in values]
    facts = (
        f"churn {values['churn_probability']:.1%}, predicted value {values['predicted_value']:,.2f}, "
        f"predicted orders {values['predicted_orders']:.2f}"
    )
    explanations = [_explanation(plan, at, action) for action in range(len(plan.catalogue.action))]
    return [", ".join([facts, *known])], explanations


def _explanation(plan: Plan, at: int, action: int) -> Explanation:
    valued = plan.valued(action, np.array([at]))
    worth = valued.worth
    beyond = _beyond(plan, at)
    [words] = valued.reasons
    return Explanation(
        action=plan.catalogue.actions[action],
        verdict=_verdict(plan, at, action, words),
        cost=float(worth.cost[0]) / plan.scale,
        expected_profit=float(worth.profit[0]) / plan.scale,
        low=float(worth.low[0]) / plan.scale,
        high=float(worth.high[0]) / plan.scale,
        beyond_prices=float(beyond[action]) / plan.scale,
        change=_change(plan, at, action, valued),
    )


def _beyond(plan: Plan, at: int) -> Floats:
    """Return each action's profit for the customer, less the shadow prices of what it uses."""
    prices = plan.arms.solution.prices
    cost = plan.people.offers.cost[:, at]
    beyond: Floats = plan.gain[:, at] - cost - prices[0] * cost - prices[1:] @ plan.problem.mask
    return beyond


def _verdict(plan: Plan, at: int, action: int, words: str) -> str:
    """Say what was decided about the action for this customer."""
    if plan.arms.treated[action, at]:
        return f"chosen: {words}"
    if plan.arms.control[action, at]:
        return f"held back to measure: {words}"
    offer, offers = plan.catalogue.action[action], plan.people.offers
    if offers.cooling[action, at]:
        return f"not yet: treated less than {offer.cooldown_days} days ago"
    if not offers.eligible[action, at]:
        return f"not eligible: {offer.eligible} is not true"
    return _not_worth(plan, at, action, words)


def _not_worth(plan: Plan, at: int, action: int, words: str) -> str:
    """Say why an eligible action was not chosen."""
    cost, least = plan.people.offers.cost[action, at], plan.catalogue.plan.min_return
    profit = plan.gain[action, at] - cost
    if profit <= 0:
        return f"does not pay: {words}"
    if profit < least * cost:
        return f"returns {profit / cost:.0%} on its cost of {cost / plan.scale:,.2f}; the plan requires {least:.0%}"
    return _outbid(plan, at, action, profit, cost)


def _outbid(plan: Plan, at: int, action: int, profit: float, cost: float) -> str:
    """Say what was preferred to a profitable action: another action for this customer, or other customers."""
    chosen = plan.arms.treated[:, at] | plan.arms.control[:, at]
    better = [name for name, has in zip(plan.catalogue.actions, chosen, strict=True) if has]
    if better and _beyond(plan, at)[action] > 0:
        return f"{' and '.join(better)} brings more"
    prices = plan.arms.solution.prices
    capacity_price = (prices[1:] @ plan.problem.mask)[action]
    parts = []
    if prices[0] * cost > 0:
        parts.append(f"other customers bring a profit of {prices[0] * cost / plan.scale:,.2f} for its cost")
    if capacity_price > 0:
        parts.append(f"a profit of {capacity_price / plan.scale:,.2f} for its place in the capacity")
    if not parts:
        return "just missed: the limits are used up"
    return f"brings {profit / plan.scale:,.2f}, but {' and '.join(parts)}"


def _change(plan: Plan, at: int, action: int, valued: ValuedAction) -> str:
    """Say which effect would change the decision: drop a chosen action, or choose another; empty when none would."""
    effect, break_even = valued.effect, valued.worth.break_even[0]
    if np.isnan(break_even) or not plan.people.offers.eligible[action, at]:
        return ""
    beyond = _beyond(plan, at)
    others = max([0.0, *np.delete(np.where(plan.problem.profit[:, at] > 0, beyond, 0.0), action)])
    cost = plan.people.offers.cost[action, at]
    needed = float(plan.gain[action, at] - beyond[action] + others)
    least = max(needed, (1 + plan.catalogue.plan.min_return) * cost)
    if cost <= 0 or least <= 0:
        return ""
    turn = effect.in_currency(break_even * least / cost, plan.scale)
    now = effect.in_currency(float(effect.likely[0]), plan.scale)
    if turn is None or now is None:
        return ""
    taken = bool(plan.arms.treated[action, at] or plan.arms.control[action, at])
    word = "until" if taken else "from"
    if effect.how == "relative" or effect.on == "churn":
        return f"chosen {word} an effect of {turn:+.1%} (now {now:+.1%})"
    return f"chosen {word} an effect of {turn:+.2f} (now {now:+.2f})"
