"""From prices to a choice within the limits: drop the least valuable actions where too much is used, then fill up."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from regulars_workbench.plan.solver.dual import CHUNK, choose, reduce
from regulars_workbench.plan.solver.exact import linear
from regulars_workbench.plan.solver.problem import Flags, Floats, Problem

ROUNDS = 40
CORE = 4_000
"""Number of customers that the linear program decides."""


def repair(problem: Problem, prices: Floats) -> Flags:
    """Return a choice within all limits, starting from the customers' choices at `prices`."""
    chosen = choose(problem, prices)
    _decide_core(problem, chosen, prices)
    for limit in range(len(problem.limits)):
        _drop(problem, chosen, prices, limit)
    for _ in range(ROUNDS):
        if not _fill(problem, chosen, prices):
            break
    return chosen


def _decide_core(problem: Problem, chosen: Flags, prices: Floats) -> None:
    """Let the linear program decide for customers who are nearly indifferent, within what the others leave.

    Balas, Zemel 1980, An Algorithm for Large Zero-One Knapsack Problems: at good prices the other choices are certain.
    """
    core = _core(problem, prices)
    rest = chosen.copy()
    rest[:, core] = False
    left = problem.limits - problem.used(rest)
    if np.any(left < 0):
        return
    part = replace(problem.part(core, 1.0), budget=float(left[0]), capacity=left[1:])
    chosen[:, core] = linear(part)[2]


def _core(problem: Problem, prices: Floats) -> npt.NDArray[np.int64]:
    """Return the customers whose choice at `prices` is closest: k-th best against the next, or against nothing."""
    customers, k = problem.profit.shape[1], problem.per_customer
    margins = np.empty(customers)
    for start in range(0, customers, CHUNK):
        part = slice(start, start + CHUNK)
        reduced = reduce(problem, prices, part)
        near = np.abs(reduced).min(axis=0)
        if k < len(reduced):
            reduced.partition((len(reduced) - k - 1, len(reduced) - k), axis=0)
            following = reduced[-k - 1]
            swaps = following > 0
            near[swaps] = reduced[-k][swaps] - following[swaps]
        margins[part] = near
    if customers <= CORE:
        return np.arange(customers)
    return np.sort(np.argpartition(margins, CORE)[:CORE])


def _drop(problem: Problem, chosen: Flags, prices: Floats, limit: int) -> None:
    """Remove actions, lowest reduced profit per use first, until the limit holds."""
    over = problem.used(chosen)[limit] - problem.limits[limit]
    if over <= 0:
        return
    counted = np.ones(len(chosen), dtype=bool) if limit == 0 else problem.mask[limit - 1]
    action, customer = np.nonzero(chosen & counted[:, None])
    use = problem.cost[action, customer] if limit == 0 else np.ones(len(action))
    action, customer, use = action[use > 0], customer[use > 0], use[use > 0]
    order = np.argsort(reduced_profit(problem, prices, action, customer) / use, kind="stable")
    enough = int(np.searchsorted(np.cumsum(use[order]), over)) + 1
    chosen[action[order[:enough]], customer[order[:enough]]] = False


def _fill(problem: Problem, chosen: Flags, prices: Floats) -> bool:
    """Add or exchange actions within the limits, each customer's best move first; return whether any move was made.

    Moves of a round use what is left at its start. What they free counts from the next round.
    """
    left = problem.limits - problem.used(chosen)
    counts = chosen.sum(axis=0)
    action, customer = np.nonzero(~chosen & (problem.profit > 0) & (problem.cost <= left[0] + _freed(problem, chosen)))
    full = counts[customer] >= problem.per_customer
    given, worst = _worst(problem, chosen, prices)
    removed = np.where(full, given[customer], -1)
    gain = problem.profit[action, customer] - np.where(full, problem.profit[given[customer], customer], 0.0)
    step = reduced_profit(problem, prices, action, customer) - np.where(full, worst[customer], 0.0)
    use = np.vstack((problem.cost[action, customer], problem.mask[:, action].astype(float)))
    use[0] -= np.where(full, problem.cost[given[customer], customer], 0.0)
    use[1:] -= np.where(full, problem.mask[:, given[customer]], 0.0)
    allowed = (gain > 0) & np.all(use <= left[:, None], axis=0)
    action, customer, removed, step, use = (
        action[allowed],
        customer[allowed],
        removed[allowed],
        step[allowed],
        use[:, allowed],
    )
    order = np.lexsort((customer, -step))
    order = order[np.sort(np.unique(customer[order], return_index=True)[1])]  # each customer's best move, best first
    taken = _prefix(np.maximum(use[:, order], 0.0), left)
    moves = order[taken]
    swapped = moves[removed[moves] >= 0]
    chosen[removed[swapped], customer[swapped]] = False
    chosen[action[moves], customer[moves]] = True
    return len(moves) > 0


def _prefix(use: Floats, left: Floats) -> npt.NDArray[np.int64]:
    """Return the moves, in order, that fit together with all moves before them."""
    fits = np.all(np.cumsum(use, axis=1) <= left[:, None], axis=0)
    return np.flatnonzero(fits)


def _freed(problem: Problem, chosen: Flags) -> Floats:
    """Return the largest part of the budget that an exchange frees, by customer."""
    freed: Floats = np.where(chosen, problem.cost, 0.0).max(axis=0)
    return freed


def _worst(problem: Problem, chosen: Flags, prices: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return each customer's chosen action with the lowest reduced profit, and that profit."""
    price = prices[0] * problem.cost + (prices[1:] @ problem.mask)[:, None]
    reduced = np.where(chosen, problem.profit - price, np.inf)
    worst = reduced.argmin(axis=0)
    return worst, reduced[worst, np.arange(len(worst))]


def reduced_profit(
    problem: Problem, prices: Floats, action: npt.NDArray[np.int64], customer: npt.NDArray[np.int64]
) -> Floats:
    """Return the reduced profit of some offers: profit less the prices of what they use."""
    price = prices[0] * problem.cost[action, customer] + (prices[1:] @ problem.mask)[action]
    reduced: Floats = problem.profit[action, customer] - price
    return reduced
