"""clv: what will this customer spend within the horizon?"""

import numpy as np
from pydantic import BaseModel, Field

from regulars.bundle import Bundle
from regulars.features import FeatureTable
from regulars.reasons import Explainer, Reason, in_answer_units
from regulars.tasks.base import Prediction, Result
from regulars.trees import FloatArray, TreeModel

NAME = "clv"
SUMMARY = "Expected value of each customer's orders within the horizon."


class Answer(Result):
    """Expected future value, in the currency's major unit."""

    predicted_value: float = Field(ge=0, description="mean value of the orders in [as_of, as_of + horizon)")
    reasons: list[Reason] = Field(description="effects in the currency's major unit")


class RunRate(BaseModel):
    """The booster's starting point: last year's spend a day, shrunk towards everyone's, for the label window.

    A tree cannot predict more than it has seen in a leaf; starting from each customer's own rate, it only learns by
    what factor that rate is wrong.
    """

    prior_cents: float
    prior_days: float
    label_days: int
    center: float = 0.0

    def cents(self, spend_365d_cents: FloatArray, tenure_days: FloatArray) -> FloatArray:
        """Return the expected spend in the label window, in minor units, always above zero."""
        days = np.clip(tenure_days, 1.0, 365.0)
        # A lake made elsewhere may hold sales below zero; a rate of spending is not negative.
        spend = np.maximum(spend_365d_cents, 0.0)
        cents: FloatArray = (spend + self.prior_cents) / (days + self.prior_days) * self.label_days
        return cents


class Constants(BaseModel):
    """What training learnt beside the trees; money in minor units."""

    features: list[str]
    run_rate: RunRate
    season: float = Field(description="level of this window against the average one, from the same window last year")
    stretch: float = Field(description="label windows in the horizon")


class Clv:
    """A booster on top of the run rate: value = exp(log run rate + trees) * season * stretch."""

    def __init__(self, bundle: Bundle) -> None:
        self._constants = Constants.model_validate(bundle.json("clv/constants.json"))
        self._minor_units = bundle.manifest.minor_units
        self._trees = TreeModel(bundle, NAME)
        self._explainer = Explainer.of(bundle)

    def _contributions(self, table: FeatureTable) -> FloatArray:
        """Return the trees' contributions, with the run rate's own added to the feature that carries it."""
        run_rate, names = self._constants.run_rate, self._constants.features
        contributions = self._trees.contributions(table.matrix(names))
        rate = np.log(run_rate.cents(table.columns["spend_365d_cents"], table.columns["tenure_days"]))
        contributions[:, names.index("spend_365d_cents")] += rate - run_rate.center
        contributions[:, -1] += run_rate.center
        return contributions

    def _value(self, margin: FloatArray) -> FloatArray:
        """Turn margins (log of minor units in the label window) into major units in the horizon."""
        cents = np.exp(margin) * (self._constants.season * self._constants.stretch)
        value: FloatArray = cents / 10**self._minor_units
        return value

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`."""
        contributions = self._contributions(table)
        exact = self._value(contributions.sum(axis=1))
        value = np.rint(exact * 10**self._minor_units) / 10**self._minor_units
        if not reasons:
            return Prediction({"predicted_value": value})
        effects = in_answer_units(self._constants.features, contributions[:, :-1], contributions[:, -1], self._value)
        top = self._explainer.top(table.columns, effects.settled(value), reasons)
        return Prediction({"predicted_value": value}, top)


def load(bundle: Bundle) -> Clv:
    """Open the model."""
    return Clv(bundle)
