"""clv: fit the booster and hand it over for export."""

from typing import Any

import numpy as np
import xgboost as xgb

from regulars.tasks import clv as task
from training.cutoffs import WEIGHT, Plan
from training.dataset import Dataset
from training.export import Exported, from_booster
from training.metrics import FloatArray, value_metrics

PARAMETERS: dict[str, Any] = {
    # Money is zero for many and heavy-tailed for the rest: a compound Poisson-gamma, Tweedie with a power in (1, 2).
    "objective": "reg:tweedie",
    "tweedie_variance_power": 1.5,
    "base_score": 1.0,  # the target's mean in units of `unit_cents`; its margin is log(1) = 0
    "learning_rate": 0.03,
    "max_depth": 3,
    "min_child_weight": 20,
    "reg_lambda": 10,
    "tree_method": "hist",
    "seed": 7,
}
ROUNDS = 300


class ClvModel:
    """A fitted booster and the constants that turn its margin into money."""

    def __init__(self, data: Dataset, plan: Plan) -> None:
        self.features = data.features
        self.stretch = plan.stretch
        weights = data.weights(WEIGHT)
        self.unit_cents = max(float(np.average(data.value_cents, weights=weights)), 1.0)
        rows = xgb.DMatrix(
            data.matrix, data.value_cents / self.unit_cents, weight=weights, feature_names=list(data.features)
        )
        self.booster = xgb.train(PARAMETERS, rows, ROUNDS)

    def margin(self, data: Dataset) -> FloatArray:
        """Return the booster's own margins, shape (rows,)."""
        rows = xgb.DMatrix(data.matrix, feature_names=list(data.features))
        return self.booster.predict(rows, output_margin=True).astype(np.float64)

    def predict_cents(self, data: Dataset) -> FloatArray:
        """Return expected value within the label window, in minor units."""
        return np.exp(self.margin(data)) * self.unit_cents

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the gain, largest first; unused features are left out."""
        gain = {name: float(np.sum(value)) for name, value in self.booster.get_score(importance_type="total_gain").items()}
        total = sum(gain.values()) or 1.0
        return {name: value / total for name, value in sorted(gain.items(), key=lambda item: -item[1])}

    def export(self, check: Dataset) -> Exported:
        """Return the model as files, each row of `check` compared with the booster."""
        return from_booster(self.booster, len(self.features), check.matrix).with_constants(
            task.NAME,
            {
                "features": list(self.features),
                "base_margin": 0.0,
                "unit_cents": self.unit_cents,
                "stretch": self.stretch,
            },
        )


def evaluate(model: ClvModel, holdout: Dataset, train: Dataset, minor: int) -> dict[str, Any]:
    """Judge the model on held-out time beside the mean and the last period carried forward, in major units."""
    unit = 10**minor
    actual = holdout.value_cents / unit
    last = holdout.frame["last_period_cents"].to_numpy() / unit
    mean = np.full(len(actual), train.value_cents.mean() / unit)
    return {
        **value_metrics(actual, model.predict_cents(holdout) / unit),
        "baselines": {"last_period": value_metrics(actual, last), "mean": value_metrics(actual, mean)},
        "importance": dict(list(model.importance().items())[:10]),
    }
