"""Totals of a plan by action: customers, cost, profit with its interval, and the effect that its control can detect."""

from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from regulars_workbench.plan.plan import Plan

LEVEL, POWER = 0.05, 0.80
"""Significance level (two-sided) and power of the test behind the minimum detectable effect."""


@dataclass(frozen=True)
class ActionTotal:
    """Totals of one action, money in units of currency.

    `minimum_detectable_effect` and `expected_lift` are differences in the share of customers who order within the
    horizon. The former is None without a control group, the latter when the effect is not on churn.
    """

    action: str
    treated: int
    control: int
    cost: float
    expected_profit: float
    low: float
    high: float
    minimum_detectable_effect: float | None
    expected_lift: float | None


def totals(plan: Plan) -> list[ActionTotal]:
    """Return the totals of each action, in the catalogue's order."""
    return [_total(plan, at) for at in range(len(plan.catalogue.action))]


def interval(parts: list[ActionTotal]) -> tuple[float, float, float]:
    """Return the profit of all actions and its 80 % interval. Errors of different actions are independent."""
    profit = sum(part.expected_profit for part in parts)
    down = float(np.sqrt(sum((part.expected_profit - part.low) ** 2 for part in parts)))
    up = float(np.sqrt(sum((part.high - part.expected_profit) ** 2 for part in parts)))
    return profit, profit - down, profit + up


def totals_to_dict(plan: Plan) -> list[dict[str, Any]]:
    """Return the totals as values for JSON."""
    return [asdict(total) for total in totals(plan)]


def _total(plan: Plan, at: int) -> ActionTotal:
    """Sum one action. Errors of its effect are common to all customers and add up; errors of values are independent."""
    treated = np.flatnonzero(plan.arms.treated[at])
    worth = plan.valued(at, treated).worth
    profit = float(worth.profit.sum())
    distances = [float(np.hypot(worth.by_effect[i].sum(), np.sqrt((worth.by_value[i] ** 2).sum()))) for i in (0, 1)]
    control = int(np.count_nonzero(plan.arms.control[at]))
    return ActionTotal(
        action=plan.catalogue.actions[at],
        treated=len(treated),
        control=control,
        cost=float(worth.cost.sum()) / plan.scale,
        expected_profit=profit / plan.scale,
        low=(profit - distances[0]) / plan.scale,
        high=(profit + distances[1]) / plan.scale,
        minimum_detectable_effect=_minimum_detectable_effect(plan, at, len(treated), control),
        expected_lift=_expected_lift(plan, at),
    )


def _minimum_detectable_effect(plan: Plan, at: int, treated: int, control: int) -> float | None:
    """Return the difference of two shares that a two-sided 5 % test detects with a power of 80 %.

    (z(1 - level / 2) + z(power)) sqrt(p (1 - p) (1 / treated + 1 / control)), p the predicted share that orders:
    Fleiss, Levin, Paik 2003, Statistical Methods for Rates and Proportions, ch. 4. With strata it is smaller.
    """
    if not treated or not control:
        return None
    chosen = plan.arms.treated[at] | plan.arms.control[at]
    share = 1 - float(plan.people.columns["churn_probability"][chosen].mean())
    normal = NormalDist()
    z = normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)
    return float(z * np.sqrt(share * (1 - share) * (1 / treated + 1 / control)))


def _expected_lift(plan: Plan, at: int) -> float | None:
    """Return the mean fall in churn that the plan expects; None when the effect is not on churn."""
    who = np.flatnonzero(plan.arms.treated[at])
    part = plan.people.part(who)
    effect = plan.valuation.effect(at, part)
    if effect.on != "churn" or not len(who):
        return None
    churn = part["churn_probability"]
    return float(-(effect.likely * churn if effect.how == "relative" else effect.likely).mean())
