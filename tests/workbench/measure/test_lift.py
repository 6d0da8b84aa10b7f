"""Lift by hand: strata weighted by their treated customers, and less noise by adjustment for the past."""

import numpy as np
import pytest

from regulars_workbench.measure.lift import adjusted, stratified


def test_the_stratified_difference_is_the_one_by_hand() -> None:
    outcome = np.array([3.0, 5.0, 1.0, 3.0, 10.0, 12.0, 14.0, 4.0, 6.0])
    treated = np.array([1, 1, 0, 0, 1, 1, 1, 0, 0], dtype=bool)
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    lift = stratified(outcome, treated, strata)
    assert lift is not None
    # Stratum 0: 4 - 2 = 2 with 2 treated; stratum 1: 12 - 5 = 7 with 3 treated.
    assert lift.mean == pytest.approx((2 * 2 + 3 * 7) / 5)
    # Variances 2/2 + 2/2 and 4/3 + 2/2, weighted by (2/5)^2 and (3/5)^2.
    assert lift.error == pytest.approx(np.sqrt(0.16 * 2 + 0.36 * (4 / 3 + 1)))
    assert lift.low < lift.mean < lift.high


def test_a_stratum_needs_two_customers_in_each_arm() -> None:
    assert stratified(np.arange(3.0), np.array([True, True, False]), np.zeros(3, np.int64)) is None


def test_adjustment_narrows_the_interval_without_bias() -> None:
    rng = np.random.default_rng(2)
    past = rng.gamma(1.0, 10.0, 4_000)
    treated = rng.random(4_000) < 0.9
    outcome = past + treated + rng.standard_normal(4_000)
    strata = np.zeros(4_000, np.int64)
    plain, fine = stratified(outcome, treated, strata), adjusted(outcome, treated, strata, past[:, None])
    assert plain is not None
    assert fine is not None
    assert fine.error < plain.error / 3
    assert fine.low < 1 < fine.high
