"""The control group: its share, its independence of profit, and the limits."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.actions.random_draws import customer_draws
from regulars_workbench.plan.arms import hold_out, with_control
from tests.properties import examples
from tests.workbench.plan.problems import NAMES, draws, problem


@settings(max_examples=examples(0.25), deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 120), st.sampled_from([0.0, 0.1, 0.3]), st.integers(1, 2))
def test_limits_hold_and_the_share_is_within_one(seed: int, customers: int, share: float, per_customer: int) -> None:
    case = problem(seed, customers, per_customer=per_customer)
    strata = np.arange(customers, dtype=np.int64) % 4
    arms = with_control(case, strata, draws(customers), NAMES[:3], share)
    assert np.all(case.used(arms.treated) <= case.limits + 1e-6)
    assert not np.any(arms.treated & arms.control)
    chosen = arms.treated | arms.control
    assert np.all(case.profit[chosen] > 0)
    assert chosen.sum(axis=0).max() <= per_customer
    for action in range(3):
        assert abs(arms.control[action].sum() - share * chosen[action].sum()) <= 1
        for stratum in range(4):
            inside = strata == stratum
            assert abs(arms.control[action, inside].sum() - share * chosen[action, inside].sum()) <= 1


def test_the_control_is_like_the_treated_and_the_budget_is_used() -> None:
    case = problem(5, 4_000)
    strata = np.zeros(4_000, dtype=np.int64)
    arms = with_control(case, strata, draws(4_000), NAMES[:3], 0.3)
    for action in np.flatnonzero(arms.control.sum(axis=1) > 300):
        treated, control = case.profit[action][arms.treated[action]], case.profit[action][arms.control[action]]
        error = np.sqrt(treated.var() / len(treated) + control.var() / len(control))
        assert abs(treated.mean() - control.mean()) < 4 * error
    assert case.used(arms.treated)[0] > 0.97 * case.budget or np.any(case.used(arms.treated)[1:] > 0.97 * case.capacity)


def test_few_customers_are_not_lost_to_rounding() -> None:
    """A single customer within the budget is treated, although the control share is a tenth."""
    case = problem(5, 1)
    case = replace(case, profit=np.array([[50.0], [0.0], [0.0]]), cost=np.full((3, 1), 20.0), budget=20.0)
    arms = with_control(case, np.zeros(1, dtype=np.int64), draws(1), NAMES[:3], 0.1)
    assert arms.treated.sum() == 1


def test_the_same_draws_give_the_same_control_and_others_another() -> None:
    case, strata = problem(5, 100), np.zeros(100, dtype=np.int64)
    first, again = (with_control(case, strata, draws(100), NAMES[:3], 0.2) for _ in range(2))
    assert np.array_equal(first.control, again.control)
    other = with_control(case, strata, draws(100)[::-1].copy(), NAMES[:3], 0.2)
    assert not np.array_equal(first.control, other.control)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.sampled_from([0.0, 0.1, 0.25, 0.5]))
def test_every_stratum_and_all_together_are_within_one_of_the_share(strata: list[int], share: float) -> None:
    codes = np.array(strata, dtype=np.int64)
    held = hold_out(codes, customer_draws([f"C{at}" for at in range(len(codes))], "s"), share)
    assert abs(held.sum() - share * len(codes)) <= 1
    for stratum in set(strata):
        inside = codes == stratum
        assert abs(held[inside].sum() - share * inside.sum()) <= 1


def test_the_control_group_does_not_depend_on_the_order_of_rows() -> None:
    codes = np.arange(300, dtype=np.int64) % 7
    draws_of_customers = draws(300)
    backwards = hold_out(codes[::-1], draws_of_customers[::-1], 0.1)[::-1]
    assert np.array_equal(hold_out(codes, draws_of_customers, 0.1), backwards)
