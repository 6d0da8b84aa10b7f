"""The Lagrangian dual of the allocation: prices of budget and capacities, at which each customer decides alone.

For prices x >= 0 of the limits, the reduced profit of an action is profit - x0 cost - (prices of the capacities that
count it). Each customer takes the k best with a positive reduced profit. The sum of these plus x . limits is at least
the profit of any choice within the limits, so its minimum over x is a bound (Fisher 1981, The Lagrangian Relaxation
Method for Solving Integer Programming Problems). This dual is convex and piecewise linear. It is minimised by cutting
planes in a box that moves and grows (Marsten, Hogan, Blankenship 1975, The Boxstep Method for Large-Scale
Optimization). Each step is a linear program of a few variables.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from regulars_workbench.plan.solver.exact import relaxed
from regulars_workbench.plan.solver.problem import Flags, Floats, Problem

SAMPLE = 3_000
"""Customers in the linear relaxation that gives the first prices."""
STEPS, CLOSE = 60, 1e-10
CHUNK = 32_768
"""Customers processed at once: their cells fit in the processor's cache."""


@dataclass
class Choice:
    """The customers' choice at some prices: the bound that it proves, and the use of each limit."""

    prices: Floats
    bound: float
    used: Floats


@dataclass
class Dual:
    """The best prices so far, the bound that they prove, and all choices tried."""

    prices: Floats
    bound: float
    tried: list[Choice] = field(default_factory=list)


def solve_dual(problem: Problem, sample: npt.NDArray[np.int64]) -> Dual:
    """Minimise the dual, starting at the prices of a `sample` of customers."""
    share = len(sample) / problem.profit.shape[1]
    _, start = relaxed(problem.part(sample, share))
    first = price(problem, start)
    dual = Dual(first.prices, first.bound, [first])
    scale = np.array([_highest(problem), *([float(problem.profit.max(initial=0.0))] * len(problem.capacity))])
    width = np.maximum(0.1 * start, 1e-3 * np.maximum(scale, 1e-6))
    close = CLOSE * max(dual.bound, 1e-12)
    unit = 1e-3 * max(dual.bound, 1e-12)
    for _ in range(STEPS):
        point, model = _master(dual, problem.limits, width, unit)
        expected = dual.bound - model
        unit = max(expected, close)
        if expected <= close:
            if not np.any(np.abs(point - dual.prices) > 0.999 * width):
                break
            width = width * 8.0  # no gain inside the box, but perhaps outside
            continue
        tried = price(problem, point)
        dual.tried.append(tried)
        gained = dual.bound - tried.bound
        if gained > 0:
            dual.prices, dual.bound = tried.prices, tried.bound
        # Grow the box after a step that gained as the model predicted; shrink it after one that did not.
        width = width * (2.0 if gained > 0.5 * expected else 0.5 if gained < 0.1 * expected else 1.0)
    return dual


def price(problem: Problem, prices: Floats) -> Choice:
    """Return the bound and the use of limits when every customer chooses at `prices`."""
    total, spent = 0.0, 0.0
    actions, customers = problem.profit.shape
    counts = np.zeros(actions, dtype=np.int64)
    for start in range(0, customers, CHUNK):
        part = slice(start, start + CHUNK)
        reduced = reduce(problem, prices, part)
        for _ in range(problem.per_customer):
            at = reduced.argmax(axis=0)
            customer = np.arange(reduced.shape[1])
            best = reduced[at, customer]
            takes = best > 0
            total += float(best[takes].sum())
            at, customer = at[takes], customer[takes]
            counts += np.bincount(at, minlength=actions)
            spent += float(problem.cost[at, start + customer].sum())
            reduced[at, customer] = -np.inf
    used = np.concatenate(([spent], problem.mask @ counts))
    return Choice(prices, total + float(prices @ problem.limits), used)


def choose(problem: Problem, prices: Floats) -> Flags:
    """Return the choice of every customer at `prices`, shape (actions, customers)."""
    chosen = np.zeros(problem.profit.shape, dtype=bool)
    for start in range(0, problem.profit.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        reduced = reduce(problem, prices, part)
        for _ in range(problem.per_customer):
            at = reduced.argmax(axis=0)
            customer = np.flatnonzero(reduced[at, np.arange(reduced.shape[1])] > 0)
            chosen[at[customer], start + customer] = True
            reduced[at[customer], customer] = -np.inf
    return chosen


def reduce(problem: Problem, prices: Floats, part: slice) -> Floats:
    """Return the reduced profit of some customers: profit less the prices of what is used; -inf without an offer."""
    profit = problem.profit[:, part]
    reduced: Floats = profit - prices[0] * problem.cost[:, part]
    reduced -= (prices[1:] @ problem.mask)[:, None]
    reduced[profit <= 0] = -np.inf
    return reduced


def _highest(problem: Problem) -> float:
    """Return the highest return on cost. At a higher budget price, no action with a cost is chosen."""
    paid = problem.cost > 0
    return float(np.max(problem.profit[paid] / problem.cost[paid], initial=0.0))


def _master(dual: Dual, limits: Floats, width: Floats, unit: float) -> tuple[Floats, float]:
    """Minimise the maximum of the cutting planes within the box; return the prices and the minimum.

    It is solved in units of the box and of the expected gain, so that the solver's tolerances are small beside both.
    """
    gradients = np.array([limits - choice.used for choice in dual.tried])
    heights = [
        choice.bound + gradient @ (dual.prices - choice.prices)
        for choice, gradient in zip(dual.tried, gradients, strict=True)
    ]
    matrix = np.column_stack((gradients * width / unit, -np.ones(len(heights))))
    lows = np.maximum(-dual.prices / width, -1.0)
    result = linprog(
        np.append(np.zeros(len(width)), 1.0),
        A_ub=matrix,
        b_ub=(dual.bound - np.array(heights)) / unit,
        bounds=[*((low, 1.0) for low in lows), (None, None)],
        method="highs",
    )
    if result.x is None:  # numerical trouble in the solver: keep the best prices, whose bound is proven
        return dual.prices, dual.bound
    return np.maximum(dual.prices + width * result.x[:-1], 0.0), dual.bound + unit * float(result.fun)
