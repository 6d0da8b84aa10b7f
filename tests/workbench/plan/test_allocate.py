"""Allocation: optimal on small problems, near its bound on large ones, always within the limits."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars_workbench.plan.solver.allocate import allocate
from regulars_workbench.plan.solver.exact import relaxed
from regulars_workbench.plan.solver.problem import Problem, Solution
from tests.properties import examples
from tests.workbench.plan.problems import NAMES, draws, problem

seeds = st.integers(0, 10_000)
HUNDREDTH_OF_A_PERCENT = 1e-4


def solved(case: Problem, *, exact_up_to: int = 2_000) -> Solution:
    actions, customers = case.profit.shape
    return allocate(case, draws(customers), NAMES[:actions], exact_up_to=exact_up_to)


def feasible(case: Problem, solution: Solution) -> bool:
    within = np.all(case.used(solution.chosen) <= case.limits + 1e-6)
    counts = solution.chosen.sum(axis=0).max(initial=0) <= case.per_customer
    return bool(within and counts and np.all(case.profit[solution.chosen] > 0))


def brute_force(case: Problem) -> float:
    """Return the best profit of all choices within the limits."""
    actions, customers = case.profit.shape
    sets = [
        actions_taken for size in range(case.per_customer + 1) for actions_taken in combinations(range(actions), size)
    ]
    best = 0.0
    for choice in product(sets, repeat=customers):
        chosen = np.zeros(case.profit.shape, dtype=bool)
        for customer, taken in enumerate(choice):
            chosen[list(taken), customer] = True
        if np.all(case.profit[chosen] > 0) and np.all(case.used(chosen) <= case.limits):
            best = max(best, case.brought(chosen))
    return best


@pytest.mark.parametrize(("seed", "per_customer"), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_small_problems_have_the_profit_of_an_exhaustive_search(seed: int, per_customer: int) -> None:
    case = problem(seed, 5, per_customer=per_customer)
    solution = solved(case)
    assert feasible(case, solution)
    assert solution.profit == pytest.approx(brute_force(case))
    assert solution.gap < 1e-9


@pytest.mark.parametrize(("per_customer", "ties"), [(1, False), (1, True), (2, False)])
def test_ten_thousand_customers_are_within_a_tenth_of_a_percent_of_the_linear_bound(
    per_customer: int, *, ties: bool
) -> None:
    case = problem(7, 10_000, 6, per_customer=per_customer, ties=ties)
    solution = solved(case, exact_up_to=0)
    bound, _ = relaxed(case)
    assert feasible(case, solution)
    assert solution.profit >= 0.999 * bound
    assert solution.bound >= bound * (1 - 1e-9)
    assert solution.gap < 0.001


@settings(max_examples=examples(0.3), deadline=None)
@given(seeds, st.integers(1, 40), st.booleans(), st.sampled_from([0, 2_000]))
def test_no_limit_is_broken_and_the_bound_holds(seed: int, customers: int, ties: bool, exact_up_to: int) -> None:  # noqa: FBT001 - drawn
    case = problem(seed, customers, ties=ties)
    solution = solved(case, exact_up_to=exact_up_to)
    best = solved(case)
    assert feasible(case, solution)
    assert solution.profit <= best.profit + 1e-6 <= solution.bound + 2e-6


@settings(max_examples=examples(0.25), deadline=None)
@given(seeds, st.floats(1.0, 3.0))
def test_more_budget_never_brings_less(seed: int, factor: float) -> None:
    case = problem(seed, 20)
    more = replace(case, budget=case.budget * factor)
    assert solved(more).profit >= solved(case).profit - 1e-6


@settings(max_examples=examples(0.1), deadline=None)
@given(seeds, st.floats(1.0, 3.0))
def test_by_prices_more_budget_never_brings_less_than_the_gap_allows(seed: int, factor: float) -> None:
    case = problem(seed, 2_000)
    less, more = solved(case, exact_up_to=0), solved(replace(case, budget=case.budget * factor), exact_up_to=0)
    assert more.profit >= less.profit - (more.bound - more.profit) - 1e-6
    assert more.bound >= less.profit


@settings(max_examples=examples(0.25), deadline=None)
@given(seeds)
def test_a_further_action_never_lowers_the_best(seed: int) -> None:
    whole = problem(seed, 20, 4)
    without = replace(whole, profit=np.where(np.arange(4)[:, None] == 3, 0.0, whole.profit))
    assert solved(whole).profit >= solved(without).profit - 1e-6


def test_the_order_of_customers_changes_nothing() -> None:
    """Ties are broken by each customer's own random draw."""
    case = problem(3, 3_000, ties=True)
    turn = np.random.default_rng(0).permutation(3_000)
    turned = replace(case, profit=case.profit[:, turn], cost=case.cost[:, turn])
    first = allocate(case, draws(3_000), NAMES[:3], exact_up_to=0)
    second = allocate(turned, draws(3_000)[turn], NAMES[:3], exact_up_to=0)
    assert second.profit == pytest.approx(first.profit, rel=HUNDREDTH_OF_A_PERCENT)
    again = allocate(case, draws(3_000), NAMES[:3], exact_up_to=0)
    assert np.array_equal(first.chosen, again.chosen)


@pytest.mark.parametrize("exact_up_to", [0, 2_000])
def test_nothing_is_chosen_without_budget_capacity_or_offers(exact_up_to: int) -> None:
    case = problem(1, 30)
    for empty in (replace(case, budget=0.0), replace(case, profit=0 * case.profit), problem(1, 0)):
        solution = solved(empty, exact_up_to=exact_up_to)
        assert not solution.chosen.any()
        assert solution.profit == solution.gap == 0
    shut = replace(case, capacity=np.zeros(2))
    assert not solved(shut, exact_up_to=exact_up_to).chosen[case.mask.any(axis=0)].any()


def test_what_costs_nothing_needs_no_budget() -> None:
    case = problem(1, 30)
    free = replace(case, cost=0 * case.cost, budget=0.0)
    assert solved(free).chosen.any()
    assert solved(free, exact_up_to=0).profit >= 0.99 * solved(free).profit
