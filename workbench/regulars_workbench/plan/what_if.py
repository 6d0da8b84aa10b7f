"""What if: the plan at other budgets, and under other assumptions."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.actions.value import gains
from regulars_workbench.plan.plan import Plan, make_problem
from regulars_workbench.plan.solver.allocate import allocate, sample_of
from regulars_workbench.plan.solver.problem import Floats, Problem

STEPS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
CURVE_SAMPLE, SENSITIVITY_SAMPLE = 10_000, 4_000
"""Customers that stand for all, where there are more."""
MARGIN_OFF = 0.1


@dataclass(frozen=True)
class Point:
    """The plan at one budget: profit, and what one more unit of money would bring beyond itself."""

    budget: float
    profit: float
    marginal: float


@dataclass(frozen=True)
class Flip:
    """What one assumption decides: the plan as it is and the best one, if the assumption were otherwise.

    `moved` is the money that would go to other customers or actions. All in units of currency.
    """

    assumption: str
    profit_kept: float
    profit_best: float
    moved: float


def budget_curve(plan: Plan) -> list[Point]:
    """Return profit against budget; of large plans by a sample, brought to the plan's own profit at its budget."""
    share = 1 - plan.catalogue.plan.control
    if plan.problem.budget <= 0 or plan.profit <= 0:
        return []
    sample = sample_of(plan.people.draws, CURVE_SAMPLE)
    part = _part(plan.problem, sample, len(sample) / len(plan.people) / share)
    draws, actions = plan.people.draws[sample], plan.catalogue.actions
    found = {step: allocate(replace(part, budget=part.budget * step), draws, actions) for step in STEPS}
    scale = plan.profit / max(found[1.0].bound, 1e-9) / plan.scale
    budget = plan.problem.budget / plan.scale
    points = [Point(budget * step, one.bound * scale, float(one.prices[0])) for step, one in found.items()]
    return [Point(0.0, 0.0, points[0].marginal), *points]


def next_step(plan: Plan) -> int:
    """Return a round sum that is small beside the budget: 1,000 of 50,000."""
    return int(10 ** max(np.floor(np.log10(max(plan.problem.budget / plan.scale, 1.0))) - 1, 0))


def sensitivity(plan: Plan) -> list[Flip]:
    """Return how the plan hangs on each assumption, the one that moves most money first."""
    sample = sample_of(plan.people.draws, SENSITIVITY_SAMPLE)
    if not len(sample):
        return []
    base = _part(plan.problem, sample, len(sample) / len(plan.people))
    draws, actions = plan.people.draws[sample], plan.catalogue.actions
    chosen = allocate(base, draws, actions, exact_up_to=0).chosen
    factor = len(plan.people) / len(sample) / plan.scale * (1 - plan.catalogue.plan.control)
    flips = []
    for said, gain in _otherwise(plan, sample):
        problem = replace(base, profit=_profit(plan, sample, gain))
        best = allocate(problem, draws, actions, exact_up_to=0)
        moved = sum(float(base.cost[a][best.chosen[a] ^ chosen[a]].sum()) for a in range(len(chosen))) / 2
        kept = sum(float((gain[a] - base.cost[a])[chosen[a]].sum()) for a in range(len(chosen)))
        flips.append(Flip(said, kept * factor, max(best.profit, kept) * factor, moved * factor))
    return sorted(flips, key=lambda one: (-one.moved, one.assumption))


def _otherwise(plan: Plan, sample: npt.NDArray[np.int64]) -> list[tuple[str, Floats]]:
    """Return every assumption at its two ends, with the gains that follow, shape (actions, sample)."""
    part = plan.people.part(sample)
    likely = plan.gain[:, sample]
    found = []
    for at, name in enumerate(plan.catalogue.actions):
        effect = plan.sources[name].of(part, len(sample))
        for end in ("low", "high"):
            other = replace(effect, likely=getattr(effect, end))
            gain = likely.copy()
            gain[at] = gains(part, other, plan.margin, plan.scale)
            found.append((f"effect of {name} at its {end} end", gain))
    found += [(f"margin {sign:+.0%}", likely * (1 + sign)) for sign in (-MARGIN_OFF, MARGIN_OFF)]
    return found


def _part(problem: Problem, sample: npt.NDArray[np.int64], share: float) -> Problem:
    part = problem.part(sample, share)
    return replace(part, capacity=np.floor(part.capacity + 0.5))


def _profit(plan: Plan, sample: npt.NDArray[np.int64], gain: Floats) -> Floats:
    """Return the offers' profits among a sample under other gains, by the plan's own rules."""
    people = replace(
        plan.people,
        offers=replace(
            plan.people.offers,
            eligible=plan.people.offers.eligible[:, sample],
            cost=plan.people.offers.cost[:, sample],
        ),
    )
    return make_problem(plan.catalogue, people, gain, plan.problem.budget).profit
