"""Metrics compared with numbers computed by hand."""

import math

import numpy as np
import pytest

from regulars_training.metrics import (
    churn_metrics,
    gap_in_standard_errors,
    gini,
    rmse,
    roc_auc,
    top_decile_share,
    value_metrics,
)


def floats(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize(
    ("actual", "predicted", "expected"),
    [
        ((4, 3, 2, 1), (40, 30, 20, 10), 1.0),
        ((4, 3, 2, 1), (1, 2, 3, 4), -1.0),
        ((4, 3, 2, 1), (7, 7, 7, 7), 0.0),
        ((4, 3, 2, 1), (2, 2, 1, 1), 0.8),  # groups of 7 and 3: 4 tied pairs of value 1 lose 1/5 of the area
        ((0, 0, 0, 8), (0, 0, 1, 1), 2 / 3),  # the buyer in the better half: on average in place 1.5 of 4
        ((0, 0, 0, 0), (1, 2, 3, 4), 0.0),
    ],
)
def test_gini_with_ties_as_random_order(
    actual: tuple[float, ...], predicted: tuple[float, ...], expected: float
) -> None:
    assert gini(floats(*actual), floats(*predicted)) == pytest.approx(expected, abs=1e-12)


def test_gini_does_not_hang_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(1)
    actual, predicted = rng.exponential(1, 50), rng.integers(0, 5, 50).astype(np.float64)
    order = rng.permutation(50)
    assert gini(actual[order], predicted[order]) == pytest.approx(gini(actual, predicted), abs=1e-12)


def test_money() -> None:
    metrics = value_metrics(floats(0, 10, 20), floats(3, 10, 16))
    assert metrics["rmse"] == pytest.approx(math.sqrt(25 / 3))
    assert metrics["mae"] == pytest.approx(7 / 3)
    assert metrics["bias_percent"] == pytest.approx(100 * (29 / 30 - 1))
    assert metrics["gini"] == 1.0


def test_the_top_decile_is_by_prediction() -> None:
    actual = floats(*range(20))
    assert top_decile_share(actual, actual) == pytest.approx((19 + 18) / 190)
    assert top_decile_share(actual, -actual) == pytest.approx(1 / 190)
    assert top_decile_share(np.zeros(20), actual) == 0.0


def test_churn() -> None:
    churned = np.array([True, False, True, False])
    metrics = churn_metrics(churned, floats(0.9, 0.8, 0.7, 0.1))
    assert metrics["roc_auc"] == 0.75
    assert metrics["brier"] == pytest.approx((0.01 + 0.64 + 0.09 + 0.01) / 4)
    assert metrics["pr_auc"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert (metrics["mean_probability"], metrics["churn_rate"]) == (pytest.approx(0.625), 0.5)


def test_one_outcome_alone_ranks_nobody() -> None:
    assert roc_auc(floats(1, 1), floats(0.1, 0.9)) == 0.5


def test_the_gap_has_the_sign_of_the_metric() -> None:
    """Below zero when the first has the smaller error, its mirror when they change places, zero for twins."""
    rng = np.random.default_rng(1)
    actual = rng.normal(0, 1, 400)
    near, far = actual + rng.normal(0, 0.1, 400), actual + rng.normal(0, 1, 400)
    gap = gap_in_standard_errors(rmse, actual, near, far)
    assert gap < -5
    assert gap_in_standard_errors(rmse, actual, far, near) == pytest.approx(-gap)
    assert gap_in_standard_errors(rmse, actual, near, near) == 0.0
