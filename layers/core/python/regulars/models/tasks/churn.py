"""churn: how likely is it that a customer places no order within the horizon, and why?"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from regulars.arrays import FloatArray, shifted
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.process_forecasts import similarity_order, to_horizon, with_process
from regulars.models.purchase_process import Process
from regulars.models.reasons import Effects, Explainer, Reason, in_answer_units
from regulars.models.tasks.base import Prediction, Result
from regulars.models.trees import TreeModel

NAME = "churn"
SUMMARY = "Probability that each customer places no order within the horizon."

RISKS = np.array(["low", "medium", "high"], dtype=object)


class Answer(Result):
    """Churn probability, its band and its reasons."""

    churn_probability: float = Field(ge=0, le=1, description="P(no order in [as_of, as_of + horizon))")
    churn_risk: Literal["low", "medium", "high"] = Field(
        description="band of churn_probability; the bundle holds its bounds"
    )
    reasons: list[Reason] = Field(description="effects in probability: 0.18 is 18 percentage points")


class Constants(BaseModel):
    """What training learnt, except the trees."""

    features: list[str]
    window_days: int = Field(description="days of the labels of training")
    horizon_days: int
    forest_weight: float = Field(ge=0, le=1, description="weight in the blend; the purchase process has the rest")
    shift: float = Field(description="calibration of the mean, in log odds, learnt from past windows")
    base: float = Field(description="mean probability of the customers at training: reasons start from it")
    risk_bands: tuple[float, float]


def blend(constants: Constants, forest: FloatArray, table: FeatureTable) -> FloatArray:
    """Return the calibrated P(no order in the horizon) from the forest's P(no order in the window); shape (n,)."""
    return shifted(mix(constants, forest, table), constants.shift)


def mix(constants: Constants, forest: FloatArray, table: FeatureTable) -> FloatArray:
    """Return the same before calibration of its mean; shape (n,)."""
    weight = constants.forest_weight
    mixed: FloatArray = weight * to_horizon(forest, table) + (1.0 - weight) * table.columns["horizon_no_order"]
    return mixed


def bands(probability: FloatArray, limits: tuple[float, float]) -> npt.NDArray[np.object_]:
    """Return the risk of each probability: low below the first limit, high from the second on."""
    named: npt.NDArray[np.object_] = RISKS[np.digitize(probability, limits)]
    return named


class Churn:
    """A forest blended with the purchase process; the mean is calibrated on past windows."""

    def __init__(self, bundle: Bundle) -> None:
        self._constants = Constants.model_validate(bundle.json("churn/constants.json"))
        self._process = Process.model_validate(bundle.json("constants/process.json"))
        self._trees = TreeModel(bundle, NAME)
        self._explainer = Explainer.from_bundle(bundle)

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`."""
        constants = self._constants
        table = with_process(table, self._process, constants.window_days, constants.horizon_days)
        leaves = self._trees.leaves(table.matrix(constants.features), similarity_order(table))
        forest = self._trees.margins(leaves)
        probability = blend(constants, forest, table)
        columns = {"churn_probability": probability, "churn_risk": bands(probability, constants.risk_bands)}
        if not reasons:
            return Prediction(columns)
        effects = self._effects(forest, self._trees.contributions(leaves), table).summing_to(probability)
        return Prediction(columns, self._explainer.top(table.columns, effects, reasons))

    def _effects(self, forest: FloatArray, contributions: FloatArray, table: FeatureTable) -> Effects:
        """Return what each feature adds to the probability: first to the blend, then after the calibrating shift.

        The part of the blend that the forest does not explain is the effect of the process's P(no order).
        """
        constants, weight = self._constants, self._constants.forest_weight
        trees = in_answer_units(
            constants.features,
            contributions[:, :-1],
            contributions[:, -1],
            lambda margin: weight * to_horizon(margin, table),
        )
        start = shifted(np.full(len(table), constants.base), -constants.shift)
        mixed = mix(constants, forest, table)
        process = {"process_no_order": mixed - start - trees.values.sum(axis=1)}
        return in_answer_units(
            constants.features, trees.values, start, lambda blended: shifted(blended, constants.shift), process
        )


def load(bundle: Bundle) -> Churn:
    """Open the model."""
    return Churn(bundle)
