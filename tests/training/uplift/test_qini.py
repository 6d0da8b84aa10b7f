"""Qini of six customers, computed by hand; uplift by tenth."""

import numpy as np
import pytest

from regulars_training.uplift.qini import by_tenth, interval_of_difference, qini_auc, qini_curve

SCORE = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
TREATED = np.array([True, False, True, False, True, False])
OUTCOME = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])


def test_the_curve_counts_extra_outcomes_of_the_best_scores() -> None:
    taken, won = qini_curve(OUTCOME, SCORE, TREATED)
    assert taken.tolist() == [0, 1, 2, 3, 4, 5, 6]
    # First six: 2 treated outcomes minus 1 control outcome, scaled by 3 / 3.
    assert won.tolist() == [0, 1, 1, 2, 2, 2, 1]


def test_equal_scores_are_one_point() -> None:
    taken, won = qini_curve(OUTCOME, np.zeros(6), TREATED)
    assert taken.tolist() == [0, 6]
    assert won.tolist() == [0, 1]


def test_a_perfect_score_has_one_and_a_constant_score_zero() -> None:
    assert qini_auc(OUTCOME, np.where(TREATED, OUTCOME, -OUTCOME), TREATED) == pytest.approx(1.0)
    assert qini_auc(OUTCOME, np.zeros(6), TREATED) == pytest.approx(0.0)
    assert qini_auc(OUTCOME, -np.where(TREATED, OUTCOME, -OUTCOME), TREATED) < 0


def test_tenths_show_the_difference_of_the_arms() -> None:
    rng = np.random.default_rng(3)
    treated = rng.random(2_000) < 0.5
    score = np.linspace(1, -1, 2_000)
    outcome = treated * (score > 0) + rng.standard_normal(2_000) * 0.01
    tenths = by_tenth(outcome, score, treated)
    assert len(tenths) == 10
    assert [round(tenth.measured) for tenth in tenths] == [1] * 5 + [0] * 5
    assert all(tenth.low < tenth.measured < tenth.high for tenth in tenths)


def test_without_variance_the_interval_is_a_point() -> None:
    assert interval_of_difference(np.ones(3), np.zeros(3)) == (1.0, 1.0)
