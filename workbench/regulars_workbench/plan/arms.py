"""The control group: chosen customers who are held back, so that the effect can be measured later."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.actions.random_draws import RandomDraws, action_draws
from regulars_workbench.plan.solver.allocate import allocate
from regulars_workbench.plan.solver.problem import Flags, Problem, Solution
from regulars_workbench.plan.solver.repair import reduced_profit

TRIES = 100
FEW = 1_000
"""Up to so many chosen customers, an allocation within the original limits is tried as well."""


@dataclass(frozen=True)
class Arms:
    """The two arms, each of shape (actions, customers), and the allocation that they were drawn from."""

    treated: Flags
    control: Flags
    solution: Solution


def with_control(
    problem: Problem, strata: npt.NDArray[np.int64], draws: RandomDraws, actions: tuple[str, ...], share: float
) -> Arms:
    """Choose customers within limits divided by 1 - `share`, and hold back `share` of them at no cost.

    The draw may leave treated customers above a limit. Then the customers of both arms with the lowest reduced profit
    are removed, and the arms are drawn again. So the arms differ only by the draw.
    """
    problem = replace(problem, profit=np.where(problem.cost > problem.budget, 0.0, problem.profit))
    wide = replace(
        problem, budget=problem.budget / (1 - share), capacity=np.floor(problem.capacity / (1 - share) + 1e-9)
    )
    solution = allocate(wide, draws, actions)
    arms = _drawn(problem, solution, strata, draws, actions, share)
    if arms is not None and np.count_nonzero(solution.chosen) > FEW:
        return arms
    solution = allocate(
        problem, draws, actions
    )  # with few customers, one more or less matters: keep the original limits
    control = _hold_out(solution.chosen, strata, draws, actions, share)
    plain = Arms(solution.chosen & ~control, control, solution)
    better = arms is None or problem.brought(plain.treated) > problem.brought(arms.treated)
    return plain if better or arms is None else arms


def _drawn(
    problem: Problem,
    solution: Solution,
    strata: npt.NDArray[np.int64],
    draws: RandomDraws,
    actions: tuple[str, ...],
    share: float,
) -> Arms | None:
    """Draw the arms and remove customers until the limits hold; None when they do not after TRIES rounds."""
    chosen = solution.chosen.copy()
    for _ in range(TRIES):
        control = _hold_out(chosen, strata, draws, actions, share)
        over = problem.used(chosen & ~control) - problem.limits
        if np.all(over <= 0):
            return Arms(chosen & ~control, control, solution)
        _trim(problem, chosen, solution, over, share)
    return None


def _hold_out(
    chosen: Flags, strata: npt.NDArray[np.int64], draws: RandomDraws, actions: tuple[str, ...], share: float
) -> Flags:
    held = np.zeros_like(chosen)
    for at, name in enumerate(actions):
        who = np.flatnonzero(chosen[at])
        held[at, who] = hold_out(strata[who], action_draws(draws[who], name), share)
    return held


def hold_out(strata: npt.NDArray[np.int64], draws: RandomDraws, share: float) -> npt.NDArray[np.bool_]:
    """Mark the control group among n customers: in each stratum, `share` of them, those with the lowest draws.

    `strata` are codes, shape (n,). Cumulative rounding keeps each stratum, and all strata together, within one customer
    of the share; otherwise the control groups of small strata would all round to none.
    """
    order = np.lexsort((draws, strata))
    held = np.zeros(len(strata), dtype=bool)
    _, first, counts = np.unique(strata[order], return_index=True, return_counts=True)
    ends = np.floor(np.cumsum(counts) * share + 0.5).astype(np.int64)
    take = np.diff(ends, prepend=0)
    rank = np.arange(len(strata)) - np.repeat(first, counts)
    held[order[rank < np.repeat(take, counts)]] = True
    return held


def _trim(problem: Problem, chosen: Flags, solution: Solution, over: npt.NDArray[np.float64], share: float) -> None:
    """Remove enough customers, of either arm, to meet the limit that is exceeded most."""
    limit = int(np.argmax(over / np.maximum(problem.limits, 1.0)))
    counted = np.ones(len(chosen), dtype=bool) if limit == 0 else problem.mask[limit - 1]
    action, customer = np.nonzero(chosen & counted[:, None])
    use = problem.cost[action, customer] if limit == 0 else np.ones(len(action))
    worth = reduced_profit(problem, solution.prices, action, customer)
    order = np.lexsort((customer, action, worth))
    order = order[use[order] > 0]
    enough = int(np.searchsorted(np.cumsum(use[order]), over[limit] / (1 - share))) + 1
    chosen[action[order[:enough]], customer[order[:enough]]] = False
