"""Allocation: the best there is on small cases, near its bound on large ones, never over a limit."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars_workbench.plan.solver.allocate import allocate
from regulars_workbench.plan.solver.exact import relaxed
from regulars_workbench.plan.solver.problem import Problem, Solution
from tests.workbench.plan.problems import NAMES, draws, problem

seeds = st.integers(0, 10_000)
HUNDREDTH_OF_A_PERCENT = 1e-4


def solved(one: Problem, *, exact_up_to: int = 2_000) -> Solution:
    actions, customers = one.profit.shape
    return allocate(one, draws(customers), NAMES[:actions], exact_up_to=exact_up_to)


def feasible(one: Problem, found: Solution) -> bool:
    within = np.all(one.used(found.chosen) <= one.limits + 1e-6)
    counts = found.chosen.sum(axis=0).max(initial=0) <= one.per_customer
    return bool(within and counts and np.all(one.profit[found.chosen] > 0))


def brute_force(one: Problem) -> float:
    """Try every choice."""
    actions, customers = one.profit.shape
    sets = [one_set for size in range(one.per_customer + 1) for one_set in combinations(range(actions), size)]
    best = 0.0
    for choice in product(sets, repeat=customers):
        chosen = np.zeros(one.profit.shape, dtype=bool)
        for customer, taken in enumerate(choice):
            chosen[list(taken), customer] = True
        if np.all(one.profit[chosen] > 0) and np.all(one.used(chosen) <= one.limits):
            best = max(best, one.brought(chosen))
    return best


@pytest.mark.parametrize(("seed", "per_customer"), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_small_ones_are_solved_as_by_trying_everything(seed: int, per_customer: int) -> None:
    one = problem(seed, 5, per_customer=per_customer)
    found = solved(one)
    assert feasible(one, found)
    assert found.profit == pytest.approx(brute_force(one))
    assert found.gap < 1e-9


@pytest.mark.parametrize(("per_customer", "ties"), [(1, False), (1, True), (2, False)])
def test_ten_thousand_customers_are_within_a_tenth_of_a_percent_of_the_linear_bound(
    per_customer: int, *, ties: bool
) -> None:
    one = problem(7, 10_000, 6, per_customer=per_customer, ties=ties)
    found = solved(one, exact_up_to=0)
    bound, _ = relaxed(one)
    assert feasible(one, found)
    assert found.profit >= 0.999 * bound
    assert found.bound >= bound * (1 - 1e-9)
    assert found.gap < 0.001


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 40), st.booleans(), st.sampled_from([0, 2_000]))
def test_no_limit_is_broken_and_the_bound_holds(seed: int, customers: int, ties: bool, exact_up_to: int) -> None:  # noqa: FBT001 - drawn
    one = problem(seed, customers, ties=ties)
    found = solved(one, exact_up_to=exact_up_to)
    best = solved(one)
    assert feasible(one, found)
    assert found.profit <= best.profit + 1e-6 <= found.bound + 2e-6


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1.0, 3.0))
def test_more_budget_never_brings_less(seed: int, factor: float) -> None:
    one = problem(seed, 20)
    more = replace(one, budget=one.budget * factor)
    assert solved(more).profit >= solved(one).profit - 1e-6


@settings(max_examples=10, deadline=None)
@given(seeds, st.floats(1.0, 3.0))
def test_by_prices_more_budget_never_brings_less_than_the_gap_allows(seed: int, factor: float) -> None:
    one = problem(seed, 2_000)
    less, more = solved(one, exact_up_to=0), solved(replace(one, budget=one.budget * factor), exact_up_to=0)
    assert more.profit >= less.profit - (more.bound - more.profit) - 1e-6
    assert more.bound >= less.profit


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_further_action_never_lowers_the_best(seed: int) -> None:
    whole = problem(seed, 20, 4)
    without = replace(whole, profit=np.where(np.arange(4)[:, None] == 3, 0.0, whole.profit))
    assert solved(whole).profit >= solved(without).profit - 1e-6


def test_the_order_of_customers_changes_nothing() -> None:
    """Ties are broken by each customer's own random draw."""
    one = problem(3, 3_000, ties=True)
    turn = np.random.default_rng(0).permutation(3_000)
    turned = replace(one, profit=one.profit[:, turn], cost=one.cost[:, turn])
    first = allocate(one, draws(3_000), NAMES[:3], exact_up_to=0)
    second = allocate(turned, draws(3_000)[turn], NAMES[:3], exact_up_to=0)
    assert second.profit == pytest.approx(first.profit, rel=HUNDREDTH_OF_A_PERCENT)
    again = allocate(one, draws(3_000), NAMES[:3], exact_up_to=0)
    assert np.array_equal(first.chosen, again.chosen)


@pytest.mark.parametrize("exact_up_to", [0, 2_000])
def test_without_money_room_or_offers_nothing_is_chosen(exact_up_to: int) -> None:
    one = problem(1, 30)
    for empty in (replace(one, budget=0.0), replace(one, profit=0 * one.profit), problem(1, 0)):
        found = solved(empty, exact_up_to=exact_up_to)
        assert not found.chosen.any()
        assert found.profit == found.gap == 0
    shut = replace(one, capacity=np.zeros(2))
    assert not solved(shut, exact_up_to=exact_up_to).chosen[one.mask.any(axis=0)].any()


def test_what_costs_nothing_needs_no_budget() -> None:
    one = problem(1, 30)
    free = replace(one, cost=0 * one.cost, budget=0.0)
    assert solved(free).chosen.any()
    assert solved(free, exact_up_to=0).profit >= 0.99 * solved(free).profit
