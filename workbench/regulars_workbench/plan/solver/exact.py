"""Exact allocation by HiGHS: linear relaxation for prices and bound, branch and bound for the choice."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array

from regulars_workbench.plan.solver.problem import Flags, Floats, Problem, Solution

NODES = 500
TOLERANCE = 1e-9
"""Relative gap at which branch and bound stops."""
WHOLE = 1e-7
"""Tolerance within which a value of the linear program counts as 1."""


def solve_exact(problem: Problem) -> Solution:
    """Return the best choice. After NODES nodes the search stops, and the gap shows the possible loss."""
    cells = np.flatnonzero(problem.profit.ravel() > 0)
    chosen = np.zeros(problem.profit.shape, dtype=bool)
    if not len(cells):
        return Solution(chosen, 0.0, 0.0, np.zeros(len(problem.limits)), "exact")
    matrix, limits = _constraints(problem, cells)
    profit = problem.profit.ravel()[cells]
    bound, prices = relaxed(problem)
    result = milp(
        -profit,
        integrality=np.ones(len(cells)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, ub=limits),
        options={"node_limit": NODES, "mip_rel_gap": TOLERANCE},
    )
    if result.x is not None:
        chosen.ravel()[cells[result.x > 0.5]] = True  # noqa: PLR2004 - a solver's 0 or 1
        if result.mip_dual_bound is not None and np.isfinite(result.mip_dual_bound):
            bound = min(bound, -result.mip_dual_bound)
    brought = problem.brought(chosen)
    return Solution(chosen, brought, max(bound, brought), prices, "exact")


def relaxed(problem: Problem) -> tuple[float, Floats]:
    """Return the bound of the linear relaxation, and the prices of the limits (its dual values)."""
    bound, prices, _ = linear(problem)
    return bound, prices


def linear(problem: Problem) -> tuple[float, Floats, Flags]:
    """Solve the linear relaxation; return its bound, its prices, and its whole choices."""
    cells = np.flatnonzero(problem.profit.ravel() > 0)
    chosen = np.zeros(problem.profit.shape, dtype=bool)
    if not len(cells):
        return 0.0, np.zeros(len(problem.limits)), chosen
    matrix, limits = _constraints(problem, cells)
    result = linprog(-problem.profit.ravel()[cells], A_ub=matrix, b_ub=limits, bounds=(0, 1), method="highs")
    chosen.ravel()[cells[result.x > 1 - WHOLE]] = True
    return float(-result.fun), np.maximum(-result.ineqlin.marginals[: len(problem.limits)], 0.0), chosen


def _constraints(problem: Problem, cells: npt.NDArray[np.int64]) -> tuple[csr_array, Floats]:
    """Return the matrix over the offers and its right-hand sides: budget, capacities, k for each customer."""
    _, customers = problem.profit.shape
    action, customer = np.divmod(cells, customers)
    _, row = np.unique(customer, return_inverse=True)
    at = np.arange(len(cells))
    top = len(problem.limits)
    uses: Flags = problem.mask[:, action]
    which, where = np.nonzero(uses)
    rows = np.concatenate((np.zeros_like(at), 1 + which, top + row))
    values = np.concatenate((problem.cost.ravel()[cells], np.ones(len(which) + len(at))))
    matrix = coo_array((values, (rows, np.concatenate((at, where, at)))), shape=(top + row.max() + 1, len(cells)))
    return matrix.tocsr(), np.concatenate((problem.limits, np.full(row.max() + 1, float(problem.per_customer))))
