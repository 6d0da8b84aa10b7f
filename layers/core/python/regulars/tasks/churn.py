"""churn: how likely is it that this customer places no order within the horizon, and why?"""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from regulars.bundle import Bundle
from regulars.features import FeatureTable
from regulars.reasons import Explainer, Reason, in_answer_units
from regulars.tasks.base import Prediction, Result
from regulars.trees import FloatArray, TreeModel

NAME = "churn"
SUMMARY = "Probability that each customer places no order within the horizon."

RISKS = np.array(["low", "medium", "high"], dtype=object)


class Answer(Result):
    """Churn probability, its band and its reasons."""

    churn_probability: float = Field(ge=0, le=1, description="P(no order in [as_of, as_of + horizon))")
    churn_risk: Literal["low", "medium", "high"]
    reasons: list[Reason] = Field(description="effects in probability: 0.18 is 18 percentage points")


class Churn:
    """A forest whose mean leaf share is stretched from the label window to the horizon."""

    def __init__(self, bundle: Bundle) -> None:
        self._constants: dict[str, Any] = bundle.json("churn/constants.json")
        self._trees = TreeModel(bundle, NAME)
        self._explainer = Explainer.of(bundle)

    def _probability(self, margin: FloatArray) -> FloatArray:
        """P(no order in the horizon) from P(no order in the label window), at a constant rate of purchase."""
        probability: FloatArray = np.clip(margin, 0.0, 1.0) ** self._constants["stretch"]
        return probability

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`."""
        names = self._constants["features"]
        contributions = self._trees.contributions(table.matrix(names))
        probability = self._probability(contributions.sum(axis=1))
        risk = RISKS[np.digitize(probability, self._constants["risk_bands"])]
        columns = {"churn_probability": probability, "churn_risk": risk}
        if not reasons:
            return Prediction(columns)
        effects = in_answer_units(names, contributions[:, :-1], contributions[:, -1], self._probability)
        return Prediction(columns, self._explainer.top(table.columns, effects.settled(probability), reasons))


def load(bundle: Bundle) -> Churn:
    """Open the model."""
    return Churn(bundle)
