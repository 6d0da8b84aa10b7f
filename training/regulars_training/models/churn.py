"""churn: fit the forest, blend it with the purchase process, export both."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from regulars.arrays import FloatArray, inverse_logit
from regulars.models.process_forecasts import to_horizon
from regulars.models.tasks import churn as task
from regulars_training.data.cutoffs import WEIGHT, CutoffPlan
from regulars_training.data.dataset import Dataset
from regulars_training.export.onnx_export import Exported, from_forest
from regulars_training.models.blend import learn_weights
from regulars_training.models.calibration import TotalCalibration, actual, mean_churn, shift_to

TREES = 150
ROWS = 20_000
"""Most rows for one tree."""

RISK_BANDS = (0.35, 0.65)
"""Below the first churn risk is low; from the second on it is high."""


@contextmanager
def _threads() -> Iterator[None]:
    """Let scikit-learn's threads run: they race for the warning filters, and may print thousands of false warnings."""
    with warnings.catch_warnings(record=True):
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        yield


class Forest:
    """A random forest for P(no order in the label window), fitted to snapshots."""

    def __init__(self, data: Dataset) -> None:
        self.features = data.features
        rows = len(data.frame)
        self.forest = RandomForestClassifier(
            n_estimators=TREES,
            min_samples_leaf=int(np.clip(rows / 50, 20, 100)),
            max_features="sqrt",
            max_samples=ROWS / rows if rows > ROWS else None,
            n_jobs=-1,
            random_state=7,
        )
        with _threads():
            self.forest.fit(data.matrix, data.churned, sample_weight=data.weights(WEIGHT))
        self.forest.set_params(n_jobs=1)  # threads would add up the trees in a random order

    def predict(self, data: Dataset) -> FloatArray:
        """Return P(no order in the label window), shape (rows,)."""
        with _threads():
            probability: FloatArray = self.forest.predict_proba(data.matrix)[:, 1]
        return probability

    def importance(self) -> dict[str, float]:
        """Return each feature's mean decrease in impurity, largest first."""
        pairs = zip(self.features, self.forest.feature_importances_.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda item: -item[1]))

    def learn_weight(self, newest: Dataset) -> float:
        """Return the forest's weight in the blend with the process, from a snapshot that the forest has not seen."""
        parts = [to_horizon(self.predict(newest), newest.table), newest["horizon_no_order"]]
        churned = newest.churned.astype(np.float64)
        total = actual(newest)

        def loss(blend: FloatArray) -> FloatArray:
            target = mean_churn(newest, total, blend)
            calibrated = inverse_logit(np.log(blend / (1 - blend)) + shift_to(blend, target))
            return np.asarray((calibrated - churned) ** 2, dtype=np.float64)

        inside = [np.clip(part, 1e-6, 1 - 1e-6) for part in parts]
        return learn_weights(inside, loss)[0]


class ChurnModel:
    """A forest, and the constants that the task applies to it."""

    def __init__(
        self, forest: Forest, plan: CutoffPlan, today: Dataset, total: TotalCalibration, weight: float = 0.5
    ) -> None:
        """`today` holds the customers to score: their mean probability is calibrated to the expected one."""
        self.forest = forest
        constants = task.Constants(
            features=list(forest.features),
            window_days=plan.label_days,
            horizon_days=plan.horizon_days,
            forest_weight=weight,
            shift=0.0,
            base=0.5,
            risk_bands=RISK_BANDS,
        )
        own = task.blend(constants, forest.predict(today), today.table)
        mean = mean_churn(today, total, own)
        shift = shift_to(own, mean)
        self.constants = constants.model_copy(update={"shift": shift, "base": mean})

    def predict(self, data: Dataset) -> FloatArray:
        """Return P(no order in the horizon), shape (rows,)."""
        return task.blend(self.constants, self.forest.predict(data), data.table)

    def export(self, check: Dataset) -> Exported:
        """Return the model as files; they are compared with the forest on each row of `check`."""
        with _threads():
            files = from_forest(self.forest.forest, len(self.forest.features), check.matrix)
        return files.with_constants(task.NAME, self.constants.model_dump())
