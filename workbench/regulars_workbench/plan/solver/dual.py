"""The Lagrangian dual of the allocation: prices of the budget and capacities under which customers decide alone.

For prices x >= 0 of the limits, each customer takes the k best of profit - x0 cost - (prices of the capacities that
count the action), where positive. The sum of those plus x . limits is at least the profit of any choice within the
limits, so its least value over x is a bound (Fisher 1981, The Lagrangian Relaxation Method for Solving Integer
Programming Problems). It is convex and piecewise linear; here it is minimised by cutting planes in a box that moves
and grows (Marsten, Hogan, Blankenship 1975, The Boxstep Method for Large-Scale Optimization), a linear program of a few
variables a step.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from regulars_workbench.plan.solver.exact import relaxed
from regulars_workbench.plan.solver.problem import Flags, Floats, Problem

SAMPLE = 3_000
"""Customers whose linear relaxation gives the first prices."""
STEPS, CLOSE = 60, 1e-10
CHUNK = 32_768
"""Customers at a time: their cells stay in the processor's cache."""


@dataclass
class Choice:
    """What customers take at some prices."""

    prices: Floats
    bound: float
    used: Floats


@dataclass
class Dual:
    """The best prices found, the bound that they prove, and every point that was tried."""

    prices: Floats
    bound: float
    tried: list[Choice] = field(default_factory=list)


def solve_dual(problem: Problem, sample: npt.NDArray[np.int64]) -> Dual:
    """Minimise the dual, from the prices of the `sample` of customers on."""
    share = len(sample) / problem.profit.shape[1]
    _, start = relaxed(problem.part(sample, share))
    best = price(problem, start)
    dual = Dual(best.prices, best.bound, [best])
    scale = np.array([_highest(problem), *([float(problem.profit.max(initial=0.0))] * len(problem.capacity))])
    width = np.maximum(0.1 * start, 1e-3 * np.maximum(scale, 1e-6))
    close = CLOSE * max(dual.bound, 1e-12)
    unit = 1e-3 * max(dual.bound, 1e-12)
    for _ in range(STEPS):
        point, model = _master(dual, problem.limits, width, unit)
        hoped = dual.bound - model
        unit = max(hoped, close)
        if hoped <= close:
            if not np.any(np.abs(point - dual.prices) > 0.999 * width):
                break
            width = width * 8.0  # nothing to gain in here, but perhaps outside
            continue
        tried = price(problem, point)
        dual.tried.append(tried)
        gained = dual.bound - tried.bound
        if gained > 0:
            dual.prices, dual.bound = tried.prices, tried.bound
        # A step that brought what the model promised may go further; one that did not was too far.
        width = width * (2.0 if gained > 0.5 * hoped else 0.5 if gained < 0.1 * hoped else 1.0)
    return dual


def price(problem: Problem, prices: Floats) -> Choice:
    """Let every customer choose at `prices`; return what that proves and uses."""
    total, spent = 0.0, 0.0
    actions, customers = problem.profit.shape
    counts = np.zeros(actions, dtype=np.int64)
    for start in range(0, customers, CHUNK):
        part = slice(start, start + CHUNK)
        reduced = reduce(problem, prices, part)
        for _ in range(problem.per_customer):
            at = reduced.argmax(axis=0)
            each = np.arange(reduced.shape[1])
            best = reduced[at, each]
            takes = best > 0
            total += float(best[takes].sum())
            at, each = at[takes], each[takes]
            counts += np.bincount(at, minlength=actions)
            spent += float(problem.cost[at, start + each].sum())
            reduced[at, each] = -np.inf
    used = np.concatenate(([spent], problem.mask @ counts))
    return Choice(prices, total + float(prices @ problem.limits), used)


def choose(problem: Problem, prices: Floats) -> Flags:
    """Return what every customer takes at `prices`, shape (actions, customers)."""
    chosen = np.zeros(problem.profit.shape, dtype=bool)
    for start in range(0, problem.profit.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        reduced = reduce(problem, prices, part)
        for _ in range(problem.per_customer):
            at = reduced.argmax(axis=0)
            each = np.flatnonzero(reduced[at, np.arange(reduced.shape[1])] > 0)
            chosen[at[each], start + each] = True
            reduced[at[each], each] = -np.inf
    return chosen


def reduce(problem: Problem, prices: Floats, part: slice) -> Floats:
    """Return profit less what the limits' prices ask, of some customers; -inf where nothing is offered."""
    profit = problem.profit[:, part]
    reduced: Floats = profit - prices[0] * problem.cost[:, part]
    reduced -= (prices[1:] @ problem.mask)[:, None]
    reduced[profit <= 0] = -np.inf
    return reduced


def _highest(problem: Problem) -> float:
    """Return the highest return on cost: no price of the budget above it leaves a paid action."""
    paid = problem.cost > 0
    return float(np.max(problem.profit[paid] / problem.cost[paid], initial=0.0))


def _master(dual: Dual, limits: Floats, width: Floats, unit: float) -> tuple[Floats, float]:
    """Minimise the highest of the planes found so far within the box; return where, and how low.

    In units of the box and of what a step may gain, so that the solver's tolerances stay small beside both.
    """
    gradients = np.array([limits - one.used for one in dual.tried])
    heights = [one.bound + g @ (dual.prices - one.prices) for one, g in zip(dual.tried, gradients, strict=True)]
    matrix = np.column_stack((gradients * width / unit, -np.ones(len(heights))))
    lows = np.maximum(-dual.prices / width, -1.0)
    found = linprog(
        np.append(np.zeros(len(width)), 1.0),
        A_ub=matrix,
        b_ub=(dual.bound - np.array(heights)) / unit,
        bounds=[*((low, 1.0) for low in lows), (None, None)],
        method="highs",
    )
    if found.x is None:  # numbers too far apart for the solver: what is found so far is proven, and stays
        return dual.prices, dual.bound
    return np.maximum(dual.prices + width * found.x[:-1], 0.0), dual.bound + unit * float(found.fun)
