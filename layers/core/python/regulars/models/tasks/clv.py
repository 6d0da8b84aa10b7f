"""clv: what will a customer spend within the horizon, how sure is that, and when is the next order?"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from regulars.arrays import FloatArray, log_odds, shifted
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.process_forecasts import similarity_order, to_horizon, with_process
from regulars.models.purchase_process import Process, Purchases, days_to_next_order
from regulars.models.reasons import Effects, Explainer, Reason, in_answer_units
from regulars.models.reasons.units import Link
from regulars.models.tasks.base import Prediction, Result
from regulars.models.trees import TreeModel

NAME = "clv"
SUMMARY = "Expected value of each customer's orders within the horizon, with an interval, and the next order's date."

QUANTILES = {"q10": 0.1, "q50": 0.5, "q90": 0.9}
EXPLAINED = ("anchored", "free")
PARTS = (*EXPLAINED, "none", *QUANTILES)
"""The boosters: value given the process's forecast, value without it, P(no order), quantiles of the value if any."""


class Answer(Result):
    """Future value in the currency's major unit, future orders, and the date of the next order."""

    predicted_value: float = Field(ge=0, description="mean value of the orders in [as_of, as_of + horizon)")
    predicted_value_median: float = Field(ge=0, description="median: half of such customers bring less")
    predicted_value_low: float = Field(
        ge=0, description="lower end of the 80 % interval: 10 % of such customers bring less"
    )
    predicted_value_high: float = Field(ge=0, description="upper end of the 80 % interval")
    predicted_orders: float = Field(ge=0, description="expected number of orders in the horizon")
    next_order_at: date | None = Field(
        description="date by which half of such customers have ordered again; null when not within two years"
    )
    reasons: list[Reason] = Field(description="effects on predicted_value, in the currency's major unit")


class Constants(BaseModel):
    """What training learnt, except the trees; money in minor units."""

    features: list[str]
    window_days: int = Field(description="days of the labels of training")
    horizon_days: int
    weights: tuple[float, ...] = Field(description="of the process, the anchored and the free booster")
    scales: tuple[float, ...] = Field(description="factors that give each of the three the process's total")
    level: float = Field(description="calibration of the total value: factor on the forecast, learnt from past windows")
    orders_level: float = Field(description="the same for orders")
    shift: float = Field(description="the same for the mean of P(no order), in log odds")
    centers: tuple[float, ...] = Field(description="start values of the quantile boosters, as logarithms")
    upper_level: float = Field(description="nominal level of the interval's upper end, so that it holds 80 %")
    base_cents: float = Field(description="geometric mean of the predictions at training: reasons start from it")


def value_if_any(
    spend_cents: FloatArray, orders: FloatArray, no_order: FloatArray, spend_calibration: FloatArray | float
) -> FloatArray:
    """Return the expected value of customers who order at least once, in minor units; shape (n,).

    It is spend an order times expected orders if any, which are orders / (1 - P(no order)) of the same days.
    `spend_calibration` is the calibration of value divided by that of orders.
    """
    orders_if_any = np.maximum(orders / np.maximum(1.0 - no_order, 1e-6), 1.0)
    value: FloatArray = np.maximum(spend_cents, 1e-3) * orders_if_any * spend_calibration
    return value


class Forecast:
    """Forecasts for n customers, from the boosters' margins (arrays by PARTS) and the process's columns.

    `parts` are the values forecast by process, anchored and free booster; `value_cents` is their calibrated blend.
    """

    def __init__(self, constants: Constants, margins: Mapping[str, FloatArray], table: FeatureTable) -> None:
        columns = table.columns
        window = columns["process_orders"]
        extension = np.divide(columns["horizon_orders"], window, out=np.ones_like(window), where=window > 0)
        anchor = np.maximum(columns["process_value_cents"], 1e-3)
        self.parts = [
            anchor * extension,
            np.exp(margins["anchored"]) * anchor * extension,
            np.exp(margins["free"]) * extension,
        ]
        self._constants = constants
        scaled = [part * scale for part, scale in zip(self.parts, constants.scales, strict=True)]
        blend = scaled[0] * constants.weights[0]
        for part, weight in zip(scaled[1:], constants.weights[1:], strict=True):
            blend = blend + part * weight
        self.value_cents = blend * constants.level
        spend = columns["process_spend_cents"]
        # In a shop of free orders spend is about zero: the value says nothing about the number of orders.
        orders = np.where(spend > 1.0, blend / np.maximum(spend, 1.0), columns["horizon_orders"])
        self.orders = orders * constants.orders_level
        in_window = shifted(columns["process_no_order"], margins["none"])
        self.no_order = shifted(to_horizon(in_window, table), constants.shift)
        value = value_if_any(spend, self.orders, self.no_order, constants.level / constants.orders_level)
        self._log_if_any = np.log(value)
        knots = [margins[name] + center for name, center in zip(QUANTILES, constants.centers, strict=True)]
        low, high = np.minimum(knots[0], knots[1]), np.maximum(knots[1], knots[2])
        self._knots = (low, np.clip(knots[1], low, high), high)

    def quantile(self, level: float) -> FloatArray:
        """Return the `level` quantile of the value, in minor units, shape (n,); 0 where P(no order) is above `level`.

        The log of the value if any is linear in the level's log odds, between the three learnt quantiles and beyond.
        """
        level_if_any = (level - self.no_order) / np.maximum(1.0 - self.no_order, 1e-6)
        place = log_odds(np.clip(level_if_any, 0.005, 0.995)) / np.log(9.0)  # -1, 0, 1 at levels .1, .5, .9
        low, middle, high = self._knots
        log_value = self._log_if_any + middle + place * np.where(place < 0, middle - low, high - middle)
        value: FloatArray = np.where(level_if_any > 0, np.exp(log_value), 0.0)
        return value

    @property
    def interval(self) -> tuple[FloatArray, FloatArray]:
        """The lower and the upper end of the 80 % interval, in minor units."""
        return self.quantile(0.1), self.quantile(max(self._constants.upper_level, 0.5))


class Clv:
    """Boosters blended with the purchase process; totals are calibrated on past windows."""

    def __init__(self, bundle: Bundle) -> None:
        self._constants = Constants.model_validate(bundle.json("clv/constants.json"))
        self._process = Process.model_validate(bundle.json("constants/process.json"))
        self._minor_units = bundle.manifest.minor_units
        self._explainer = Explainer.from_bundle(bundle)
        self._trees = {part: TreeModel(bundle, f"{NAME}/{part}") for part in PARTS}

    def _money(self, cents: FloatArray) -> FloatArray:
        money: FloatArray = np.rint(cents) / 10**self._minor_units
        return money

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`."""
        constants = self._constants
        table = with_process(table, self._process, constants.window_days, constants.horizon_days)
        rows, order = table.matrix(constants.features), similarity_order(table)
        leaves = {part: trees.leaves(rows, order) for part, trees in self._trees.items()}
        margins = {part: trees.margins(leaves[part]) for part, trees in self._trees.items()}
        forecast = Forecast(constants, margins, table)
        low, high = forecast.interval
        columns: dict[str, npt.NDArray[Any]] = {
            "predicted_value": self._money(forecast.value_cents),
            "predicted_value_median": self._money(forecast.quantile(0.5)),
            "predicted_value_low": self._money(low),
            "predicted_value_high": self._money(high),
            "predicted_orders": forecast.orders,
            "next_order_at": self._next_order(table, forecast),
        }
        if not reasons:
            return Prediction(columns)
        contributions = {part: self._trees[part].contributions(leaves[part]) for part in EXPLAINED}
        effects = self._effects(contributions, forecast).summing_to(columns["predicted_value"])
        return Prediction(columns, self._explainer.top(table.columns, effects, reasons))

    def _next_order(self, table: FeatureTable, forecast: Forecast) -> npt.NDArray[np.datetime64]:
        """Return the day at which P(no order) falls to one half; NaT when there is none or `table` has no `as_of`."""
        if table.as_of is None:
            return np.full(len(table), np.datetime64("NaT"), dtype="datetime64[D]")
        shift = log_odds(forecast.no_order) - log_odds(table.columns["horizon_no_order"])
        days = days_to_next_order(self._process, Purchases.from_table(table), shift, self._constants.horizon_days)
        known = np.where(np.isnan(days), 0.0, days)
        start = np.datetime64(table.as_of.replace(tzinfo=None), "s")
        day = (start + np.floor(known * 86_400.0).astype("timedelta64[s]")).astype("datetime64[D]")
        return np.where(np.isnan(days), np.datetime64("NaT"), day)

    def _effects(self, contributions: Mapping[str, FloatArray], forecast: Forecast) -> Effects:
        """Return what each feature adds to the value, in major units, summed over the three parts of the blend.

        What a part takes from the process is the effect of the process's forecast of the value.
        """
        constants = self._constants
        unit = constants.level / 10**self._minor_units
        factors = [weight * scale * unit for weight, scale in zip(constants.weights, constants.scales, strict=True)]
        process = np.log(np.maximum(forecast.parts[0], 1e-9))
        center = np.full_like(process, np.log(constants.base_cents / constants.level))
        free = contributions["free"]
        extension = np.log(np.maximum(forecast.parts[2], 1e-9)) - free.sum(axis=1)
        parts = [
            (np.zeros((len(process), 0)), center, process - center),
            (contributions["anchored"][:, :-1], contributions["anchored"][:, -1] + center, process - center),
            (free[:, :-1], free[:, -1], extension),
        ]
        total = Effects((), np.zeros((len(process), 0)), np.zeros(len(process)))
        for (values, base, from_process), factor in zip(parts, factors, strict=True):
            names = constants.features if values.shape[1] else ()
            total += in_answer_units(names, values, base, _exp_times(factor), {"process_value_cents": from_process})
        return total


def _exp_times(factor: float) -> Link:
    return lambda margin: np.exp(margin) * factor


def load(bundle: Bundle) -> Clv:
    """Open the model."""
    return Clv(bundle)
