"""What the report says of reasons: global importance, and the bundle's reasons beside exact TreeSHAP."""

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
"""Customers on whom exact TreeSHAP is worked out: up to 10 ms each."""


def typical(table: FeatureTable) -> Exported:
    """Return each feature's median over all customers, nulls left out: what reasons are told beside."""
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

    `trees` is its booster or forest and `gain` the shares of its features; `predict` gives the answers that `loss`
    judges, such as value_loss and churn_loss do.
    """
    return {
        "gain_by_group": importance.by_group(gain),
        "permutation": importance.permutation(predict, loss, holdout),
        "treeshap": treeshap.compare(trees, _sample(holdout), holdout.features),
    }


def value_loss(minor_units: int) -> importance.Loss:
    """Return the RMSE of a value predicted in minor units, in major units."""
    unit = 10**minor_units
    return lambda data, predicted: rmse(data.value_cents / unit, predicted / unit)


def churn_loss(data: Dataset, predicted: npt.NDArray[np.float64]) -> float:
    """Return 1 - ROC-AUC."""
    return 1.0 - roc_auc(data.churned, predicted)


def _sample(data: Dataset) -> npt.NDArray[np.float32]:
    return data.matrix[np.random.default_rng(7).permutation(len(data.frame))[:SAMPLE]]
