"""clv: fit the booster and hand it over for export."""

from typing import Any

import numpy as np
import xgboost as xgb
from regulars.tasks import clv as task

from training.cutoffs import WEIGHT, Plan
from training.dataset import Dataset
from training.export import Exported, from_booster
from training.metrics import FloatArray, gap_in_standard_errors, gini, rmse, value_metrics

PARAMETERS: dict[str, Any] = {
    # Money is zero for many and heavy-tailed for the rest: a compound Poisson-gamma, Tweedie with a power in (1, 2).
    "objective": "reg:tweedie",
    "tweedie_variance_power": 1.5,
    "base_score": 1.0,  # a margin of log(1) = 0: the run rate is the base margin
    "learning_rate": 0.03,
    "max_depth": 3,
    "min_child_weight": 20,
    "reg_lambda": 10,
    "tree_method": "hist",
    "seed": 7,
}
ROUNDS = 150
PRIOR_DAYS = 30.0
"""The run rate of a customer seen for this long weighs as much as everyone's."""


class ClvModel:
    """A fitted booster and the constants that turn its margin into money.

    `season_window` is the snapshot of the same window one year before the one to predict; its total, against what
    the model says of it, is the level that the season asks for. Without such a snapshot the level is left as it is.
    """

    def __init__(self, data: Dataset, plan: Plan, season_window: Dataset | None) -> None:
        weights = data.weights(WEIGHT)
        mean = max(float(np.average(data.value_cents, weights=weights)), 1.0)
        self.unit_cents = mean  # keeps Tweedie's target near 1; taken out again before anything leaves this class
        run_rate = task.RunRate(
            prior_cents=mean / plan.label_days * PRIOR_DAYS, prior_days=PRIOR_DAYS, label_days=plan.label_days
        )
        center = float(np.average(np.log(_run_rate(run_rate, data)), weights=weights))
        self.constants = task.Constants(
            features=list(data.features),
            run_rate=run_rate.model_copy(update={"center": center}),
            season=1.0,
            stretch=plan.stretch,
        )
        target = np.maximum(data.value_cents, 0.0) / mean  # Tweedie's target is not negative
        self.booster = xgb.train(PARAMETERS, self._rows(data, target, weights), ROUNDS)
        if season_window is not None:
            season = float(season_window.value_cents.sum() / self.predict_cents(season_window).sum())
            self.constants = self.constants.model_copy(update={"season": season})

    def _rows(self, data: Dataset, target: FloatArray | None = None, weights: FloatArray | None = None) -> xgb.DMatrix:
        rows = xgb.DMatrix(data.matrix, target, weight=weights, feature_names=list(data.features))
        rows.set_base_margin(np.log(_run_rate(self.constants.run_rate, data) / self.unit_cents))
        return rows

    def predict_cents(self, data: Dataset) -> FloatArray:
        """Return expected value within the label window, in minor units."""
        share = self.booster.predict(self._rows(data)).astype(np.float64)
        cents: FloatArray = share * (self.unit_cents * self.constants.season)
        return cents

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the gain, largest first; unused features are left out."""
        scores = self.booster.get_score(importance_type="total_gain").items()
        gain = {name: float(np.sum(value)) for name, value in scores}
        total = sum(gain.values()) or 1.0
        return {name: value / total for name, value in sorted(gain.items(), key=lambda item: -item[1])}

    def export(self, check: Dataset) -> Exported:
        """Return the model as files, each row of `check` compared with the booster."""
        files = from_booster(self.booster, len(self.constants.features), check.matrix)
        return files.with_constants(task.NAME, self.constants.model_dump())


def _run_rate(run_rate: task.RunRate, data: Dataset) -> FloatArray:
    spend, tenure = (data.frame[name].to_numpy().astype(np.float64) for name in ("spend_365d_cents", "tenure_days"))
    return run_rate.cents(spend, tenure)


def evaluate(model: ClvModel, holdout: Dataset, train: Dataset, minor_units: int) -> dict[str, Any]:
    """Judge the model on held-out time beside the mean and the last period carried forward, in major units."""
    unit = 10**minor_units
    actual = holdout.value_cents / unit
    predicted = model.predict_cents(holdout) / unit
    baselines = {
        "last_period": holdout.frame["last_period_cents"].to_numpy() / unit,
        "mean": np.full(len(actual), train.value_cents.mean() / unit),
    }
    return {
        **value_metrics(actual, predicted),
        "season": model.constants.season,
        "baselines": {
            name: value_metrics(actual, other)
            | {
                "rmse_gap_se": gap_in_standard_errors(rmse, actual, predicted, other),
                "gini_gap_se": gap_in_standard_errors(gini, actual, predicted, other),
            }
            for name, other in baselines.items()
        },
        "importance": dict(list(model.importance().items())[:10]),
    }
