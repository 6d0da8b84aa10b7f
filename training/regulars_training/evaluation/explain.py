"""Explanations for the report: global importance, and the bundle's reasons compared with exact TreeSHAP."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.features.table import FeatureTable
from regulars.models.reasons.explainer import TYPICAL
from regulars_training.data.dataset import Dataset
from regulars_training.evaluation import importance, treeshap
from regulars_training.export.onnx_export import Exported, as_json
from regulars_training.metrics import rmse, roc_auc

SAMPLE = 200
"""Customers explained by exact TreeSHAP, which takes up to 10 ms each."""


def typical(table: FeatureTable) -> Exported:
    """Return each feature's median over all customers, without nulls: reasons show it for comparison."""
    medians = {name: float(np.median(known)) for name, values in table.columns.items() if len(known := _known(values))}
    return Exported({TYPICAL: as_json(medians)})


def _known(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values[~np.isnan(values)]


def report(
    trees: treeshap.Model,
    gain: Mapping[str, float],
    predict: importance.Predict,
    loss: importance.Loss,
    holdout: Dataset,
) -> dict[str, Any]:
    """Explain a model on held-out time.

    `trees` is its booster or forest, `gain` its features' shares of importance. `predict` makes the predictions for
    `loss`, which is value_loss(...) or churn_loss.
    """
    return {
        "gain_by_group": importance.by_group(gain),
        "permutation": importance.permutation(predict, loss, holdout),
        "treeshap": treeshap.compare(trees, _sample(holdout), holdout.features),
    }


def value_loss(minor_units: int) -> importance.Loss:
    """Return a loss: the RMSE in major units, of value predicted in minor units."""
    unit = 10**minor_units
    return lambda data, predicted: rmse(data.value_cents / unit, predicted / unit)


def churn_loss(data: Dataset, predicted: npt.NDArray[np.float64]) -> float:
    """Return 1 - ROC-AUC."""
    return 1.0 - roc_auc(data.churned, predicted)


def _sample(data: Dataset) -> npt.NDArray[np.float32]:
    return data.matrix[np.random.default_rng(7).permutation(len(data.frame))[:SAMPLE]]
