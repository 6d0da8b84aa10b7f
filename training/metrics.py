"""How good, on time that was held out: in money for value, in probability for churn."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

FloatArray = npt.NDArray[np.float64]


def gini(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the normalised Gini: 1 when `predicted` ranks customers as `actual` does, 0 for chance.

    Ties in the prediction count as random order: each customer of a tie takes the tie's mean value.
    """
    best = _area(actual, actual)
    return _area(actual, predicted) / best if best else 0.0


def _area(actual: FloatArray, score: FloatArray) -> float:
    """Area between the concentration curve of `actual`, ordered by falling `score`, and the diagonal."""
    _, group = np.unique(-score, return_inverse=True)
    mean = np.bincount(group, weights=actual) / np.bincount(group)
    share = np.cumsum(mean[np.sort(group)]) / actual.sum() if actual.sum() else np.zeros(len(actual))
    return float(np.mean(share) - (len(actual) + 1) / (2 * len(actual)))


def top_decile_share(actual: FloatArray, predicted: FloatArray) -> float:
    """Return the share of all value that the tenth of customers with the highest predictions brought."""
    top = np.argsort(-predicted, kind="stable")[: max(1, len(actual) // 10)]
    return float(actual[top].sum() / actual.sum()) if actual.sum() else 0.0


def value_metrics(actual: FloatArray, predicted: FloatArray) -> dict[str, float]:
    """Return RMSE and MAE in the unit given, normalised Gini, the top decile's share, the total's bias in percent."""
    total = float(actual.sum())
    return {
        "rmse": float(sk.root_mean_squared_error(actual, predicted)),
        "mae": float(sk.mean_absolute_error(actual, predicted)),
        "gini": gini(actual, predicted),
        "top_decile_share": top_decile_share(actual, predicted),
        "bias_percent": 100 * (float(predicted.sum()) / total - 1) if total else float("inf"),
    }


def churn_metrics(churned: npt.NDArray[np.bool_], probability: FloatArray) -> dict[str, Any]:
    """Return ROC-AUC, PR-AUC (average precision), Brier score, and mean against actual rate."""
    return {
        "roc_auc": float(sk.roc_auc_score(churned, probability)),
        "pr_auc": float(sk.average_precision_score(churned, probability)),
        "brier": float(sk.brier_score_loss(churned, probability)),
        "mean_probability": float(probability.mean()),
        "churn_rate": float(churned.mean()),
    }


def standard_error_of_gap(mine: FloatArray, other: FloatArray) -> float:
    """Return by how many paired standard errors the mean of `mine` lies above that of `other`; negative is better."""
    gap = mine - other
    error = float(gap.std(ddof=1)) / len(gap) ** 0.5
    return float(gap.mean()) / error if error else 0.0
