"""Allocation of any size: exact where branch and bound is fast, else by shadow prices and repair."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from regulars.actions.random_draws import RandomDraws, action_draws, uniform
from regulars_workbench.plan.solver.dual import price, solve_dual
from regulars_workbench.plan.solver.exact import solve_exact
from regulars_workbench.plan.solver.problem import Problem, Solution
from regulars_workbench.plan.solver.repair import repair

EXACT = 2_000
"""Largest number of offers for branch and bound."""
NUDGE = 5e-5
"""Largest relative change of a profit to break ties."""


def allocate(problem: Problem, draws: RandomDraws, actions: tuple[str, ...], *, exact_up_to: int = EXACT) -> Solution:
    """Return an allocation within all limits. `draws`, one for each customer, break ties, whatever the order of rows.

    The bound is for the problem without tie-breaking: any prices prove a bound.
    """
    problem = _possible(problem)
    if np.count_nonzero(problem.profit > 0) <= exact_up_to:
        return solve_exact(problem)
    nudged = _nudged(problem, draws, actions)
    dual = solve_dual(nudged, sample_of(draws))
    chosen = repair(nudged, dual.prices)
    bound = price(problem, dual.prices).bound
    brought = problem.brought(chosen)
    return Solution(chosen, brought, max(bound, brought), dual.prices, f"{len(dual.tried)} prices tried")


def sample_of(draws: RandomDraws, most: int = 3_000) -> npt.NDArray[np.int64]:
    """Return the customers with the lowest draws: a random sample that is always the same."""
    return np.sort(np.argpartition(draws, most)[:most]) if len(draws) > most else np.arange(len(draws))


def _possible(problem: Problem) -> Problem:
    """Remove offers that no choice can include: cost above the budget, or an action with capacity 0."""
    shut = np.any(problem.mask[problem.capacity < 1], axis=0).reshape(-1)
    ruled_out = (problem.cost > problem.budget) | shut[:, None]
    if not np.any(ruled_out & (problem.profit > 0)):
        return problem
    return replace(problem, profit=np.where(ruled_out, 0.0, problem.profit))


def _nudged(problem: Problem, draws: RandomDraws, actions: tuple[str, ...]) -> Problem:
    """Make equal profits differ slightly, so that prices separate customers."""
    profit = np.empty_like(problem.profit)
    for at, name in enumerate(actions):
        profit[at] = problem.profit[at] * (1 - NUDGE * uniform(action_draws(draws, name)))
    return replace(problem, profit=profit)
