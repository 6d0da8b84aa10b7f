"""What the report says of reasons: global importance, and the bundle's reasons beside exact TreeSHAP."""

from typing import Any

import numpy as np
import numpy.typing as npt
from regulars.features import FeatureTable
from regulars.reasons.explainer import TYPICAL

from training import importance, treeshap
from training.churn import ChurnModel
from training.clv import ClvModel
from training.dataset import Dataset
from training.export import Exported, as_json
from training.metrics import rmse, roc_auc

SAMPLE = 200
"""Customers on whom exact TreeSHAP is worked out: up to 10 ms each."""


def typical(table: FeatureTable) -> Exported:
    """Return each feature's median over all customers, nulls left out: what reasons are told beside."""
    medians = {name: float(np.median(known)) for name, values in table.columns.items() if len(known := _known(values))}
    return Exported({TYPICAL: as_json(medians)})


def _known(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values[~np.isnan(values)]


def value(model: ClvModel, holdout: Dataset, minor_units: int) -> dict[str, Any]:
    """Explain the booster on held-out time; its loss is the RMSE in major units."""
    unit = 10**minor_units

    def loss(data: Dataset, predicted: npt.NDArray[np.float64]) -> float:
        return rmse(data.value_cents / unit, predicted / unit)

    return {
        "gain_by_group": importance.by_group(model.importance()),
        "permutation": importance.permutation(model.predict_cents, loss, holdout),
        "treeshap": treeshap.compare(model.booster, _sample(holdout), holdout.features),
    }


def churn(model: ChurnModel, holdout: Dataset) -> dict[str, Any]:
    """Explain the forest on held-out time; its loss is 1 - ROC-AUC."""

    def loss(data: Dataset, predicted: npt.NDArray[np.float64]) -> float:
        return 1.0 - roc_auc(data.churned, predicted)

    return {
        "gain_by_group": importance.by_group(model.importance()),
        "permutation": importance.permutation(model.predict, loss, holdout),
        "treeshap": treeshap.compare(model.forest, _sample(holdout), holdout.features),
    }


def _sample(data: Dataset) -> npt.NDArray[np.float32]:
    return data.matrix[np.random.default_rng(7).permutation(len(data.frame))[:SAMPLE]]
