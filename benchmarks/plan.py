"""Allocation by shadow prices, beside HiGHS: `python benchmarks/plan.py [--customers 1000000] [--linear 100000]`.

Simulated offers of six actions with a budget and three capacities, seed 7. Each line is a new process, so its peak
memory is its own. Time counts from the offers' arrays to the choice of actions.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from regulars.actions.random_draws import RandomDraws
from regulars_workbench.plan.solver.allocate import allocate
from regulars_workbench.plan.solver.exact import relaxed, solve_exact
from regulars_workbench.plan.solver.problem import Problem

ACTIONS = ("email", "push", "voucher", "gift", "call", "visit")
COSTS = (5.0, 1.0, 0.0, 500.0, 900.0, 2500.0)
EFFECTS = (0.02, 0.01, 0.08, 0.09, 0.12, 0.2)
MARGIN, CENTS, VOUCHER = 0.3, 100.0, 10.0
MEGABYTE = 1e3


def offers(customers: int, *, ties: bool) -> tuple[Problem, RandomDraws]:
    """Return the problem, and a random draw for each customer; with `ties`, values and risks are rounded."""
    rng = np.random.default_rng(7)
    value, churn = rng.lognormal(5, 1.3, customers), rng.beta(0.6, 0.6, customers)
    if ties:
        value, churn = np.round(value, -2), np.round(churn, 1)
    profit, cost = np.zeros((6, customers)), np.zeros((6, customers))
    for at, (price, effect) in enumerate(zip(COSTS, EFFECTS, strict=True)):
        cost[at] = price or np.ceil(VOUCHER * value)
        spread = 1.0 if ties else rng.lognormal(0, 0.3, customers)
        gain = MARGIN * CENTS * effect * spread * value * churn - cost[at]
        may = rng.random(customers) < 0.8  # noqa: PLR2004 - a fifth is not eligible
        profit[at] = np.where((gain > 0) & may, gain, 0.0)
    mask = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]], dtype=bool)
    capacity = np.floor(customers * np.array([0.3, 0.1, 0.03]))
    draws = rng.integers(0, 2**63, customers).astype(np.uint64)
    return Problem(profit, cost, 60.0 * customers, mask, capacity), draws


def run(method: str, customers: int) -> dict[str, object]:
    """Solve once with one method; return the numbers of the table."""
    problem, draws = offers(customers, ties=method.endswith("ties"))
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    if method == "HiGHS linear":
        bound, _ = relaxed(problem)
        profit, gap = bound, None
    elif method == "HiGHS branch and bound":
        solution = solve_exact(problem)
        profit, gap = solution.profit, solution.gap
    else:
        solution = allocate(problem, draws, ACTIONS, exact_up_to=0)
        profit, gap = solution.profit, solution.gap
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "peak": after.ru_maxrss / MEGABYTE, "profit": profit / CENTS, "gap": gap}


def main() -> None:
    """Print the table; with --one, print one run as JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--customers", type=int, default=1_000_000)
    arguments.add_argument("--linear", type=int, default=100_000)
    arguments.add_argument("--whole", type=int, default=1_000)
    arguments.add_argument("--one", nargs=2, metavar=("METHOD", "CUSTOMERS"))
    options = arguments.parse_args()
    if options.one:
        print(json.dumps(run(options.one[0], int(options.one[1]))))
        return
    print("| method | customers | wall s | CPU s | peak MB | profit | gap % |\n|---|---|---|---|---|---|---|")
    for method, customers in (
        ("prices", options.whole),
        ("HiGHS branch and bound", options.whole),
        ("prices", options.linear),
        ("HiGHS linear", options.linear),
        ("prices", options.customers),
        ("prices, ties", options.customers),
    ):
        child = [sys.executable, __file__, "--one", method, str(customers)]
        result = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - our own command
        gap = "bound" if result["gap"] is None else f"{100 * result['gap']:.5f}"
        numbers = f"{result['wall']:.1f} | {result['cpu']:.1f} | {result['peak']:.0f} | {result['profit']:,.0f}"
        print(f"| {method} | {customers:,} | {numbers} | {gap} |", flush=True)


if __name__ == "__main__":
    main()
