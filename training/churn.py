"""churn: fit the forest and hand it over for export."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from regulars.tasks import churn as task
from sklearn.ensemble import RandomForestClassifier

from training.cutoffs import WEIGHT, Plan
from training.dataset import Dataset
from training.export import Exported, from_forest
from training.metrics import FloatArray, churn_metrics, gap_in_standard_errors, roc_auc

TREES = 200
RISK_BANDS = (0.35, 0.65)
"""Below the first a churn risk is low, from the second on it is high."""


@contextmanager
def _threads() -> Iterator[None]:
    """Let scikit-learn's threads run: they race for the warning filters, and may print thousands of false warnings."""
    with warnings.catch_warnings(record=True):
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        yield


class ChurnModel:
    """A fitted forest."""

    def __init__(self, data: Dataset, plan: Plan) -> None:
        self.features = data.features
        self.stretch = plan.stretch
        self.forest = RandomForestClassifier(
            n_estimators=TREES,
            min_samples_leaf=int(np.clip(len(data.frame) / 50, 20, 100)),
            max_features="sqrt",
            n_jobs=-1,
            random_state=7,
        )
        with _threads():
            self.forest.fit(data.matrix, data.churned, sample_weight=data.weights(WEIGHT))
        self.forest.set_params(n_jobs=1)  # threads would add the trees up in whatever order they end

    def predict(self, data: Dataset) -> FloatArray:
        """Return P(no order in the label window), shape (rows,)."""
        with _threads():
            probability: FloatArray = self.forest.predict_proba(data.matrix)[:, 1]
        return probability

    def importance(self) -> dict[str, float]:
        """Return each feature's mean decrease in impurity, largest first."""
        pairs = zip(self.features, self.forest.feature_importances_.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda item: -item[1]))

    def export(self, check: Dataset) -> Exported:
        """Return the model as files, each row of `check` compared with the forest."""
        with _threads():
            files = from_forest(self.forest, len(self.features), check.matrix)
        constants = {"features": list(self.features), "stretch": self.stretch, "risk_bands": list(RISK_BANDS)}
        return files.with_constants(task.NAME, constants)


def evaluate(model: ChurnModel, holdout: Dataset) -> dict[str, Any]:
    """Judge the model on held-out time beside a ranking by recency and the constant rate."""
    recency = holdout.frame["recency_days"].to_numpy()
    by_recency = (recency / max(recency.max(), 1.0)).astype(np.float64)
    predicted, churned = model.predict(holdout), holdout.churned.astype(np.float64)
    ranked = churn_metrics(holdout.churned, by_recency)
    gap = {"roc_auc_gap_se": gap_in_standard_errors(roc_auc, churned, predicted, by_recency)}
    return {
        **churn_metrics(holdout.churned, predicted),
        "baselines": {"recency": {name: ranked[name] for name in ("roc_auc", "pr_auc")} | gap},
        "importance": dict(list(model.importance().items())[:10]),
    }
