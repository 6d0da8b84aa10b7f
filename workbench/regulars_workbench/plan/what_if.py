"""The plan at other budgets, and its sensitivity to each assumption."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.actions.value import gains
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.solver.allocate import allocate, sample_of
from regulars_workbench.plan.solver.problem import Floats, Problem

STEPS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
CURVE_SAMPLE, SENSITIVITY_SAMPLE = 10_000, 4_000
"""Largest samples of customers for the budget curve and for the sensitivity."""
MARGIN_CHANGE = 0.1


@dataclass(frozen=True)
class Point:
    """The plan at one budget: profit, and the extra profit of one more unit of currency."""

    budget: float
    profit: float
    marginal: float


@dataclass(frozen=True)
class Sensitivity:
    """The plan under one changed assumption: the profit of this plan, and of the best plan under that assumption.

    `moved` is the money that the best plan spends on other customers or actions. All in units of currency.
    """

    assumption: str
    profit_kept: float
    profit_best: float
    moved: float


def budget_curve(plan: Plan) -> list[Point]:
    """Return profit by budget. Large plans use a sample, scaled to the plan's profit at the plan's budget."""
    share = 1 - plan.catalogue.plan.control
    if plan.problem.budget <= 0 or plan.profit <= 0:
        return []
    sample = sample_of(plan.people.draws, CURVE_SAMPLE)
    part = _part(plan.problem, sample, len(sample) / len(plan.people) / share)
    draws, actions = plan.people.draws[sample], plan.catalogue.actions
    solutions = {step: allocate(replace(part, budget=part.budget * step), draws, actions) for step in STEPS}
    scale = plan.profit / max(solutions[1.0].bound, 1e-9) / plan.scale
    budget = plan.problem.budget / plan.scale
    points = [
        Point(budget * step, solution.bound * scale, float(solution.prices[0])) for step, solution in solutions.items()
    ]
    return [Point(0.0, 0.0, points[0].marginal), *points]


def next_step(plan: Plan) -> int:
    """Return a round amount that is small beside the budget, such as 1,000 for 50,000."""
    return int(10 ** max(np.floor(np.log10(max(plan.problem.budget / plan.scale, 1.0))) - 1, 0))


def sensitivity(plan: Plan) -> list[Sensitivity]:
    """Return how the plan depends on each assumption, starting with the one that moves most money."""
    sample = sample_of(plan.people.draws, SENSITIVITY_SAMPLE)
    if not len(sample):
        return []
    base = _part(plan.problem, sample, len(sample) / len(plan.people))
    draws, actions = plan.people.draws[sample], plan.catalogue.actions
    chosen = allocate(base, draws, actions, exact_up_to=0).chosen
    factor = len(plan.people) / len(sample) / plan.scale * (1 - plan.catalogue.plan.control)
    sensitivities = []
    for assumption, gain in _scenarios(plan, sample):
        problem = replace(base, profit=_profit(plan, sample, gain))
        best = allocate(problem, draws, actions, exact_up_to=0)
        moved = sum(float(base.cost[a][best.chosen[a] ^ chosen[a]].sum()) for a in range(len(chosen))) / 2
        kept = sum(float((gain[a] - base.cost[a])[chosen[a]].sum()) for a in range(len(chosen)))
        sensitivities.append(Sensitivity(assumption, kept * factor, max(best.profit, kept) * factor, moved * factor))
    return sorted(sensitivities, key=lambda line: (-line.moved, line.assumption))


def _scenarios(plan: Plan, sample: npt.NDArray[np.int64]) -> list[tuple[str, Floats]]:
    """Return each assumption at its two ends, with the resulting gains of shape (actions, sample)."""
    part = plan.people.part(sample)
    likely = plan.gain[:, sample]
    scenarios = []
    for at, name in enumerate(plan.catalogue.actions):
        effect = plan.valuation.effect(at, part)
        for end in ("low", "high"):
            changed = replace(effect, likely=getattr(effect, end))
            gain = likely.copy()
            gain[at] = gains(part, changed, plan.valuation.margin, plan.scale)
            scenarios.append((f"effect of {name} at its {end} end", gain))
    scenarios += [(f"margin {sign:+.0%}", likely * (1 + sign)) for sign in (-MARGIN_CHANGE, MARGIN_CHANGE)]
    return scenarios


def _part(problem: Problem, sample: npt.NDArray[np.int64], share: float) -> Problem:
    part = problem.part(sample, share)
    return replace(part, capacity=np.floor(part.capacity + 0.5))


def _profit(plan: Plan, sample: npt.NDArray[np.int64], gain: Floats) -> Floats:
    """Return the profits of the sample's offers under other gains, by the rules of the plan."""
    offers = plan.people.offers
    part = replace(offers, eligible=offers.eligible[:, sample], cost=offers.cost[:, sample])
    return plan.valuation.profits(gain, part)
