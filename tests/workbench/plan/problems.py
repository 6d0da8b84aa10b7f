"""Random problems from a seed, for the tests of allocation."""

import numpy as np

from regulars.actions.random_draws import RandomDraws, customer_draws
from regulars_workbench.plan.solver.problem import Problem

NAMES = ("a", "b", "c", "d", "e", "f")


def problem(seed: int, customers: int, actions: int = 3, *, per_customer: int = 1, ties: bool = False) -> Problem:
    """Return offers with whole costs, some of none, a tight budget, and two capacities."""
    rng = np.random.default_rng(seed)
    worth = rng.lognormal(6, 1.2, customers)
    effect = rng.uniform(0.02, 0.4, (actions, 1)) * (1 if ties else rng.lognormal(0, 0.4, (actions, customers)))
    cost = np.ceil(np.array([5.0, 60, 120, 10, 200, 80])[:actions, None] * np.ones(customers))
    gain = effect * (np.round(worth, -2) if ties else worth) - cost
    profit = np.where((gain > 0) & (rng.random((actions, customers)) < 0.8), gain, 0.0)
    mask = np.zeros((2, actions), dtype=bool)
    mask[0, : actions // 2 + 1] = True
    mask[1, -1] = True
    capacity = np.floor(customers * np.array([0.4, 0.2])) + 1
    return Problem(profit, cost, float(20 * customers), mask, capacity, per_customer)


def draws(customers: int) -> RandomDraws:
    """Return a random draw for each customer."""
    return customer_draws([f"C{at}" for at in range(customers)], "s")
