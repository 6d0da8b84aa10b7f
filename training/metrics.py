"""How good, on time that was held out: in money for value, in probability for churn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats
from sklearn import metrics as sk

SAMPLE, RESAMPLES = 5_000, 100

FloatArray = npt.NDArray[np.float64]


def gini(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the normalised Gini: 1 when `predicted` ranks customers as `actual` does, 0 for chance.

    Ties in the prediction count as random order: each customer of a tie takes the tie's mean value.
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
    """Return the share of all value that the tenth of customers with the highest predictions brought."""
    top = np.argsort(-predicted, kind="stable")[: max(1, len(actual) // 10)]
    return float(actual[top].sum() / actual.sum()) if actual.sum() else 0.0


def value_metrics(actual: FloatArray, predicted: FloatArray) -> dict[str, float]:
    """Return RMSE and MAE in the unit given, normalised Gini, the top decile's share, the total's bias in percent."""
    total = float(actual.sum())
    return {
        "rmse": rmse(actual, predicted),
        "mae": float(sk.mean_absolute_error(actual, predicted)),
        "gini": gini(actual, predicted),
        "top_decile_share": top_decile_share(actual, predicted),
        "bias_percent": 100 * (float(predicted.sum()) / total - 1) if total else float("inf"),
    }


def roc_auc(churned: npt.NDArray[Any], score: FloatArray) -> float:
    """Return the chance that a customer who churned scores above one who stayed; 0.5 when all did the same."""
    return float(sk.roc_auc_score(churned, score)) if 0 < churned.sum() < len(churned) else 0.5


def churn_metrics(churned: npt.NDArray[np.bool_], probability: FloatArray) -> dict[str, Any]:
    """Return ROC-AUC, PR-AUC (average precision), Brier score, and mean against actual rate."""
    return {
        "roc_auc": roc_auc(churned, probability),
        "pr_auc": float(sk.average_precision_score(churned, probability)),
        "brier": float(sk.brier_score_loss(churned, probability)),
        "mean_probability": float(probability.mean()),
        "churn_rate": float(churned.mean()),
    }


def gap_in_standard_errors(
    statistic: Callable[[FloatArray, FloatArray], float], actual: FloatArray, mine: FloatArray, other: FloatArray
) -> float:
    """Return by how many standard errors statistic(actual, mine) lies above statistic(actual, other).

    The error is that of the difference over the same customers, by a paired bootstrap of at most SAMPLE customers.
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
    """Return the root of the mean squared error, in the unit given."""
    return float(np.sqrt(np.mean((actual - predicted) ** 2)))
