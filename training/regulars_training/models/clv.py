"""clv: fit the boosters, learn the constants of their blend, export both."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from regulars.arrays import FloatArray, log_odds
from regulars.models.tasks import clv as task
from regulars_training.data.cutoffs import WEIGHT, CutoffPlan
from regulars_training.data.dataset import Dataset
from regulars_training.export.onnx_export import Exported, from_booster
from regulars_training.models import interval
from regulars_training.models.blend import equal_weights, learn_weights
from regulars_training.models.calibration import TotalCalibration, actual, mean_churn, shift_to

COMMON: dict[str, Any] = {
    "max_depth": 3,
    "min_child_weight": 20,
    "reg_lambda": 10,
    "learning_rate": 0.06,
    "tree_method": "hist",
    "nthread": 1,  # boosters are fitted in parallel; threads inside one would wait for each other
    "seed": 7,
}
TWEEDIE: dict[str, Any] = COMMON | {
    # Money is zero for many and heavy-tailed for the rest: a compound Poisson-gamma, Tweedie with a power in (1, 2).
    "objective": "reg:tweedie",
    "tweedie_variance_power": 1.5,
    "base_score": 1.0,  # a margin of log(1) = 0: the process's forecast is the base margin
}
NONE: dict[str, Any] = COMMON | {"objective": "binary:logistic", "base_score": 0.5}
QUANTILE: dict[str, Any] = COMMON | {
    "objective": "reg:quantileerror",
    "learning_rate": 0.05,
    "reg_lambda": 1,
    "base_score": 0.0,
}
ROUNDS = {"anchored": 75, "free": 150, "none": 50, "q10": 40, "q50": 40, "q90": 40}


class ClvTrees:
    """The boosters of `regulars.models.tasks.clv.PARTS`, fitted to snapshots.

    Each cutoff's own total is divided out first. So the boosters learn which customers bring more than the process
    expects, and no season.
    """

    def __init__(self, data: Dataset) -> None:
        self.features = data.features
        value_total, orders_total = _totals(data)
        weight = data.weights(WEIGHT)
        value = np.maximum(data.value_cents, 0.0)  # Tweedie's target is not negative
        unit = max(float(np.average(value, weights=weight)), 1.0)
        forecast = np.maximum(data["process_value_cents"] * value_total, 1e-3)
        self.unit = unit
        parts = {
            "anchored": (TWEEDIE, data, value / unit, weight, np.log(forecast / unit)),
            "free": (TWEEDIE, data, value / (unit * value_total), weight * value_total**0.5, None),
            "none": (NONE, data, data.churned, weight, log_odds(data["process_no_order"])),
            **self._quantiles(data, value, weight, value_total, orders_total),
        }
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            fitted = pool.map(lambda part: _fit(part, *parts[part]), parts)
            self.boosters = dict(zip(parts, fitted, strict=True))

    def _quantiles(
        self, data: Dataset, value: FloatArray, weight: FloatArray, value_total: FloatArray, orders_total: FloatArray
    ) -> dict[str, Any]:
        """Return the quantile boosters' targets: log of value over the process's expectation, for those who ordered."""
        paid = value > 0
        orders = data["process_orders"] * orders_total
        calibration = value_total / orders_total
        if_any = task.value_if_any(data["process_spend_cents"], orders, data["process_no_order"], calibration)
        ratio = np.log(value[paid] / if_any[paid])
        rows = Dataset(data.frame.filter(paid), data.features)
        levels = task.QUANTILES.values()
        self.centers = tuple(float(np.quantile(ratio, level)) if paid.any() else 0.0 for level in levels)
        return {
            part: (QUANTILE | {"quantile_alpha": level}, rows, ratio - center, weight[paid], None)
            for (part, level), center in zip(task.QUANTILES.items(), self.centers, strict=True)
        }

    def margins(self, data: Dataset) -> dict[str, FloatArray]:
        """Return each booster's margin, shape (rows,), without its base margin."""
        # One thread: for the small tables of permutation importance, starting threads takes most of the time.
        rows = xgb.DMatrix(np.ascontiguousarray(data.matrix), feature_names=list(self.features), nthread=1)
        return {
            part: booster.predict(rows, output_margin=True).astype(np.float64)
            for part, booster in self.boosters.items()
        }

    def importance(self) -> dict[str, float]:
        """Return the used features' shares of the anchored booster's gain, largest first."""
        scores = self.boosters["anchored"].get_score(importance_type="total_gain").items()
        gain = {name: float(np.sum(value)) for name, value in scores}
        total = sum(gain.values()) or 1.0
        return {name: value / total for name, value in sorted(gain.items(), key=lambda item: -item[1])}


def _fit(
    part: str,
    parameters: dict[str, Any],
    data: Dataset,
    target: npt.NDArray[Any],
    weight: FloatArray,
    margin: FloatArray | None,
) -> xgb.Booster:
    rows = xgb.QuantileDMatrix(
        np.ascontiguousarray(data.matrix),
        target,
        weight=weight,
        base_margin=margin,
        feature_names=list(data.features),
        nthread=1,
    )
    return xgb.train(parameters, rows, ROUNDS[part])


def _totals(data: Dataset) -> tuple[FloatArray, FloatArray]:
    """Return, for each row, the calibration factors of its cutoff for value and for orders."""
    value, orders = np.ones(len(data.frame)), np.ones(len(data.frame))
    for rows in data.groups():
        total = actual(Dataset(data.frame.filter(rows), data.features))
        value[rows], orders[rows] = total.value, total.orders
    return value, orders


class ClvModel:
    """Boosters, and the constants that the task applies to them."""

    def __init__(
        self,
        trees: ClvTrees,
        plan: CutoffPlan,
        today: Dataset,
        total: TotalCalibration,
        blend_weights: tuple[float, ...] = equal_weights(3),
        correction: float = 0.0,
    ) -> None:
        """`today` holds the customers to score: all parts of the blend are scaled to the same expected total.

        `correction` shifts the interval's upper level, in log odds.
        """
        self.trees = trees
        self.constants = task.Constants(
            features=list(trees.features),
            window_days=plan.label_days,
            horizon_days=plan.horizon_days,
            weights=(blend_weights[0], blend_weights[1], blend_weights[2]),
            scales=(1.0, 1.0, 1.0),
            level=total.value,
            orders_level=total.orders,
            shift=0.0,
            centers=(trees.centers[0], trees.centers[1], trees.centers[2]),
            upper_level=0.8,
            base_cents=1.0,
        )
        margins = trees.margins(today)
        raw = task.Forecast(self.constants, margins, today.table)
        sums = [max(float(part.sum()), 1e-9) for part in raw.parts]
        shift = shift_to(raw.no_order, mean_churn(today, total, raw.no_order))
        self._set(scales=tuple(sums[0] / part_sum for part_sum in sums), shift=shift)
        forecast = task.Forecast(self.constants, margins, today.table)
        base = float(np.exp(np.mean(np.log(np.maximum(forecast.value_cents, 1.0)))))
        self._set(upper_level=interval.upper_level(forecast.no_order, correction), base_cents=base)

    def _set(self, **constants: Any) -> None:  # noqa: ANN401 - fields of Constants
        self.constants = self.constants.model_copy(update=constants)

    def predict(self, data: Dataset) -> task.Forecast:
        """Return the forecasts for the horizon, of every row."""
        return task.Forecast(self.constants, self.trees.margins(data), data.table)

    def export(self, check: Dataset) -> Exported:
        """Return the model as files; they are compared with the boosters on each row of `check`."""
        files = {
            f"{task.NAME}/{part}/{name}": content
            for part, booster in self.trees.boosters.items()
            for name, content in from_booster(booster, len(self.trees.features), check.matrix).files.items()
        }
        return Exported(files).with_constants(task.NAME, self.constants.model_dump())


def learn_blend(model: ClvModel, newest: Dataset) -> tuple[float, ...]:
    """Return the weights of process, anchored and free booster, from a snapshot that they have not seen."""
    forecast, value = model.predict(newest), newest.value_cents
    total = max(float(value.sum()), 1.0)
    parts = [part * (total / max(float(part.sum()), 1e-9)) for part in forecast.parts]
    return learn_weights(parts, lambda blended: np.asarray((blended - value) ** 2, dtype=np.float64))
