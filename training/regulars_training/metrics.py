"""Metrics on held-out time: value in money, churn in probability."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats
from sklearn import metrics as sk

from regulars.arrays import FloatArray

SAMPLE, RESAMPLES = 5_000, 100


def gini(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the normalised Gini: 1 when `predicted` ranks customers as `actual` does, 0 for chance.

    Customers with equal predictions each count with the mean value of their tie.
    """
    best = _area(actual, actual)
    return _area(actual, predicted) / best if best else 0.0


def _area(actual: FloatArray, score: FloatArray) -> float:
    """Area between the concentration curve of `actual`, ordered by falling `score`, and the diagonal."""
    if not actual.sum():
        return 0.0
    _, group = np.unique(-score, return_inverse=True)
    mean = np.bincount(group, weights=actual) / np.bincount(group)
    share = np.cumsum(mean[np.sort(group)]) / actual.sum()
    return float(np.mean(share) - (len(actual) + 1) / (2 * len(actual)))


def top_decile_share(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the share of all value from the tenth of customers with the highest predictions."""
    top = np.argsort(-predicted, kind="stable")[: max(1, len(actual) // 10)]
    return float(actual[top].sum() / actual.sum()) if actual.sum() else 0.0


def value_metrics(actual: FloatArray, predicted: FloatArray) -> dict[str, float]:
    """Return RMSE and MAE in the unit of the input, normalised Gini, share of the top decile, total bias in percent."""
    return {
        "rmse": rmse(actual, predicted),
        "mae": mae(actual, predicted),
        "gini": gini(actual, predicted),
        "top_decile_share": top_decile_share(actual, predicted),
        "bias_percent": total_bias(actual, predicted),
    }


def calibration(actual: FloatArray, predicted: FloatArray) -> list[list[float]]:
    """Return [mean prediction, mean outcome] for each tenth of the customers, lowest predictions first."""
    tenths = np.array_split(np.argsort(predicted, kind="stable"), 10)
    return [[float(predicted[tenth].mean()), float(actual[tenth].mean())] for tenth in tenths if len(tenth)]


def mae(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the mean absolute error, in the unit of the input."""
    return float(np.mean(np.abs(actual - predicted)))


def brier(churned: FloatArray, probability: FloatArray) -> float:
    """Return the mean squared error of a probability."""
    return float(np.mean((churned - probability) ** 2))


def total_bias(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the error of the predicted total in percent; infinite when the actual total is zero."""
    total = float(actual.sum())
    return 100 * (float(predicted.sum()) / total - 1) if total else float("inf")


def standard_error(
    statistic: Callable[[FloatArray, FloatArray], float], actual: FloatArray, predicted: FloatArray
) -> float:
    """Return the bootstrap standard error of statistic(actual, predicted).

    It resamples at most SAMPLE customers, and scales the error to the number of all customers.
    """
    rng = np.random.default_rng(7)
    sample = rng.permutation(len(actual))[:SAMPLE]
    drawn = [rng.choice(sample, len(sample)) for _ in range(RESAMPLES)]
    values = np.array([statistic(actual[rows], predicted[rows]) for rows in drawn])
    finite = values[np.isfinite(values)]
    return float(finite.std(ddof=1)) * (len(sample) / len(actual)) ** 0.5 if len(finite) > 1 else 0.0


def roc_auc(churned: npt.NDArray[Any], score: FloatArray) -> float:
    """Return the probability that a churned customer scores above one who stayed; 0.5 with a single outcome."""
    return float(sk.roc_auc_score(churned, score)) if 0 < churned.sum() < len(churned) else 0.5


def pr_auc(churned: npt.NDArray[Any], score: FloatArray) -> float:
    """Return the average precision: area under the precision-recall curve."""
    return float(sk.average_precision_score(churned, score))


def churn_metrics(churned: npt.NDArray[np.bool_], probability: FloatArray) -> dict[str, Any]:
    """Return ROC-AUC, PR-AUC (average precision), Brier score, mean probability and actual churn rate."""
    return {
        "roc_auc": roc_auc(churned, probability),
        "pr_auc": pr_auc(churned, probability),
        "brier": brier(churned.astype(np.float64), probability),
        "mean_probability": float(probability.mean()),
        "churn_rate": float(churned.mean()),
    }


def gap_in_standard_errors(
    statistic: Callable[[FloatArray, FloatArray], float], actual: FloatArray, mine: FloatArray, other: FloatArray
) -> float:
    """Return statistic(actual, mine) - statistic(actual, other), in standard errors of this difference.

    The standard error comes from a paired bootstrap of at most SAMPLE customers.
    """

    def gap(drawn: FloatArray, ours: FloatArray, theirs: FloatArray) -> float:
        return statistic(drawn, ours) - statistic(drawn, theirs)

    sample = np.random.default_rng(7).permutation(len(actual))[:SAMPLE]
    drawn = scipy.stats.bootstrap(
        (actual[sample], mine[sample], other[sample]),
        gap,
        n_resamples=RESAMPLES,
        vectorized=False,
        paired=True,
        method="percentile",
        rng=7,
    )
    error = float(drawn.standard_error) * (len(sample) / len(actual)) ** 0.5
    return gap(actual, mine, other) / error if error else 0.0


def rmse(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the root mean squared error, in the unit of the input."""
    return float(np.sqrt(np.mean((actual - predicted) ** 2)))
