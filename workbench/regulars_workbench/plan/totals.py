"""What a plan comes to, by action: customers, cost, profit with its interval, and the lift its control can show."""

from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from regulars_workbench.plan.plan import Plan

LEVEL, POWER = 0.05, 0.80
"""Of the two-sided test that the smallest lift is for."""


@dataclass(frozen=True)
class ActionTotal:
    """One action's part of the plan, money in units of currency.

    `smallest_lift` is of the share of customers who order within the horizon, as a probability; None without a control.
    """

    action: str
    treated: int
    control: int
    cost: float
    expected_profit: float
    low: float
    high: float
    smallest_lift: float | None
    expected_lift: float | None


def totals(plan: Plan) -> list[ActionTotal]:
    """Return a total for each action, in the catalogue's order."""
    return [_total(plan, at) for at in range(len(plan.catalogue.action))]


def interval(parts: list[ActionTotal]) -> tuple[float, float, float]:
    """Return the profit of all actions, and its 80 % interval: actions err independently of one another."""
    profit = sum(one.expected_profit for one in parts)
    down = float(np.sqrt(sum((one.expected_profit - one.low) ** 2 for one in parts)))
    up = float(np.sqrt(sum((one.high - one.expected_profit) ** 2 for one in parts)))
    return profit, profit - down, profit + up


def as_json(plan: Plan) -> list[dict[str, Any]]:
    """Return the totals as plain values."""
    return [asdict(one) for one in totals(plan)]


def _total(plan: Plan, at: int) -> ActionTotal:
    """Sum one action. An effect that is off is off for everybody, so those errors add up; values err one by one."""
    treated = np.flatnonzero(plan.arms.treated[at])
    worth = plan.worth(at, treated)
    profit = float(worth.profit.sum())
    ends = [float(np.hypot(worth.by_effect[i].sum(), np.sqrt((worth.by_value[i] ** 2).sum()))) for i in (0, 1)]
    control = int(np.count_nonzero(plan.arms.control[at]))
    return ActionTotal(
        action=plan.catalogue.actions[at],
        treated=len(treated),
        control=control,
        cost=float(worth.cost.sum()) / plan.scale,
        expected_profit=profit / plan.scale,
        low=(profit - ends[0]) / plan.scale,
        high=(profit + ends[1]) / plan.scale,
        smallest_lift=_smallest(plan, at, len(treated), control),
        expected_lift=_expected(plan, at),
    )


def _smallest(plan: Plan, at: int, treated: int, control: int) -> float | None:
    """Return the difference of two shares that a two-sided 5 % test finds in 80 of 100 cases.

    (z(1 - level / 2) + z(power)) sqrt(p (1 - p) (1 / treated + 1 / control)), p the predicted share that orders:
    Fleiss, Levin, Paik 2003, Statistical Methods for Rates and Proportions, ch. 4. Strata make it smaller still.
    """
    if not treated or not control:
        return None
    chosen = plan.arms.treated[at] | plan.arms.control[at]
    share = 1 - float(plan.people.columns["churn_probability"][chosen].mean())
    normal = NormalDist()
    z = normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)
    return float(z * np.sqrt(share * (1 - share) * (1 / treated + 1 / control)))


def _expected(plan: Plan, at: int) -> float | None:
    """Return the fall in churn that the plan counts on, where the effect is on churn."""
    who = np.flatnonzero(plan.arms.treated[at])
    part = plan.people.part(who)
    effect = plan.sources[plan.catalogue.actions[at]].of(part, len(who))
    if effect.on != "churn" or not len(who):
        return None
    churn = part["churn_probability"]
    return float(-(effect.likely * churn if effect.how == "relative" else effect.likely).mean())
