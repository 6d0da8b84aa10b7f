"""clv: what will this customer spend within the horizon?"""

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from regulars.bundle import Bundle
from regulars.features import FeatureTable
from regulars.tasks.base import Prediction, Reason, Result, top_reasons
from regulars.trees import FloatArray, TreeModel, in_answer_units

NAME = "clv"
SUMMARY = "Expected value of each customer's orders within the horizon."


class Answer(Result):
    """Expected future value, in the currency's major unit."""

    predicted_value: float = Field(ge=0, description="mean value of the orders in [as_of, as_of + horizon)")
    reasons: list[Reason] = Field(description="effects in the currency's major unit")


class Clv:
    """A booster with a logarithmic link: value = exp(margin) * unit * stretch."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._constants: dict[str, Any] = bundle.json("clv/constants.json")

    @cached_property
    def _trees(self) -> TreeModel:
        return TreeModel(self._bundle, NAME)

    def _value(self, margin: FloatArray) -> FloatArray:
        """Turn margins into major units of money, whole minor units."""
        constants = self._constants
        cents = np.exp(margin + constants["base_margin"]) * constants["unit_cents"] * constants["stretch"]
        return np.rint(cents) / 10**self._bundle.manifest.minor_units

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`."""
        names = self._constants["features"]
        contributions = self._trees.contributions(table.matrix(names))
        value = self._value(contributions.sum(axis=1))
        if not reasons:
            return Prediction({"predicted_value": value})
        base = float(self._value(contributions[:1, -1])[0])
        effects = in_answer_units(contributions, value, base)
        return Prediction({"predicted_value": value}, top_reasons(table, names, effects, reasons))


def load(bundle: Bundle) -> Clv:
    """Open the model."""
    return Clv(bundle)
