"""A feature's value as an analyst would say it: "no order for 120 days, usually every 30".

A batch says millions of values and few different ones: values are first rounded to what is shown of them, and each
that is left is said once. One customer's values go the same way, so that alone and among a million they sound alike.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isnan

import numpy as np
import numpy.typing as npt

from regulars.arrays import FloatArray
from regulars.models.reasons.phrases import DAYS, MONEY, NUMBER, ONE_DAY, PERCENT, PHRASES, Phrase

FEW = 16
"""So many values are said faster one by one than sorted."""

TEN = 10.0
"""Numbers and amounts below it are shown with decimals."""

Texts = npt.NDArray[np.object_]

Teller = Callable[[FloatArray, FloatArray], Texts]
"""Says n values; also given the customers' mean gaps between orders in days. NaN stands for what is not known."""

Rounded = Callable[[FloatArray], FloatArray]
"""Rounds values to what is shown of them."""

Bare = Callable[[float], str]
"""Says a rounded value without its unit."""


class Narrator:
    """Says values of features; `typical` are the medians of all customers that training saw, without nulls."""

    def __init__(self, typical: Mapping[str, float], minor_units: int) -> None:
        self._typical = typical
        self._units: dict[str, tuple[Rounded, Bare]] = {
            PERCENT: (lambda values: np.rint(100.0 * values), lambda value: f"{value:.0f} %"),
            NUMBER: (_tenths, lambda value: f"{value:.1f}".removesuffix(".0") if abs(value) < TEN else _whole(value)),
            MONEY: _money(minor_units),
        }
        self._tellers: dict[str, Teller] = {}
        days = typical.get("recency_days")
        self._late_from = days if days is not None else 0.0
        beside = self._beside("recency_days", DAYS)
        self._beside_days = said_once(lambda days: beside(_whole(days)))

    def text(self, feature: str, value: float, usual_days: float) -> str:
        """Say one feature's value; `usual_days` is the customer's mean gap between orders, NaN when not known."""
        return str(self.texts(feature, np.array([value]), np.array([usual_days]))[0])

    def texts(self, feature: str, values: FloatArray, usual_days: FloatArray) -> Texts:
        """Say n customers' values of one feature."""
        if feature not in self._tellers:
            self._tellers[feature] = self._made(feature)
        return self._tellers[feature](values, usual_days)

    def histories(self, orders: FloatArray, days: FloatArray, usual_days: FloatArray) -> Texts:
        """Say what n forecasts from past orders go by: how many they were, how long ago the last, and the rhythm."""
        counted = each(_at_least_none(orders), _so_far)
        told: Texts = counted + self._recency(days, usual_days)
        return told

    def _made(self, feature: str) -> Teller:
        if feature == "recency_days":
            return self._recency
        if feature == "overdue_ratio":
            return self._overdue
        if feature in ("orders_trend_90d", "spend_trend_90d"):
            what = feature.partition("_")[0]
            trend = said_once(lambda value: _trend(what, value))
            return lambda values, _: each(values, trend)
        return self._plain(feature, PHRASES.get(feature) or Phrase(feature.replace("_", " ") + " {}", NUMBER))

    def _plain(self, feature: str, phrase: Phrase) -> Teller:
        rounded, bare = self._unit(phrase.unit)
        beside = self._beside(feature, phrase.unit)
        unknown = phrase.unknown or f"{feature.replace('_', ' ')} not known"
        before, _, after = phrase.said.partition("{}")

        @said_once
        def say(value: float) -> str:
            if isnan(value):
                return unknown
            shown = bare(value)
            return f"{before}{_amount(phrase.unit, shown, value)}{after}{beside(shown)}"

        return lambda values, _: each(rounded(values), say)

    def _overdue(self, ratios: FloatArray, usual_days: FloatArray) -> Texts:
        told = self._recency(ratios * usual_days, usual_days)
        told[np.isnan(ratios)] = ONE_DAY
        return told

    def _recency(self, days: FloatArray, usual_days: FloatArray) -> Texts:
        """Say how long ago the last order was, beside the customer's own rhythm or else that of all."""
        unknown = np.isnan(usual_days)
        late = days >= np.where(unknown, self._late_from, usual_days)
        shown = _at_least_none(days)
        ago = each(np.where(late, shown, -1.0 - shown), _ago)
        usual = each(np.rint(np.maximum(usual_days, 1.0)), _usually)
        told: Texts = ago + np.where(unknown, each(shown, self._beside_days), usual)
        return told

    def _beside(self, feature: str, unit: str) -> Callable[[str], str]:
        """Return what says the typical customer's value beside a shown one."""
        typical = self._typical.get(feature)
        if typical is None:
            return lambda _: ""
        rounded, bare = self._unit(unit)
        usual = bare(float(rounded(np.array([typical]))[0]))
        other = f", typical customer {usual}"
        return lambda shown: ", like the typical customer" if shown == usual else other

    def _unit(self, unit: str) -> tuple[Rounded, Bare]:
        return self._units.get(unit, (_at_least_none, _whole))


def said_once(say: Bare) -> Bare:
    """Remember what was said of the last few thousand values: the next customers have the same ones."""
    return lru_cache(maxsize=1 << 13)(say)


def each(values: FloatArray, say: Bare) -> Texts:
    """Say values one by one, of many each different one once; NaNs are alike."""
    if len(values) <= FEW:
        return np.array([say(value) for value in values.tolist()], dtype=object)
    unique, places = np.unique(values, return_inverse=True)
    told: Texts = np.array([say(value) for value in unique.tolist()], dtype=object)[places]
    return told


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _at_least_none(values: FloatArray) -> FloatArray:
    """Round counts and days; + 0.0 since rounding leaves a negative zero."""
    rounded: FloatArray = np.maximum(np.rint(values), 0.0) + 0.0
    return rounded


def _tenths(values: FloatArray) -> FloatArray:
    rounded: FloatArray = np.where(np.abs(values) < TEN, np.rint(10.0 * values) / 10.0, np.rint(values))
    return rounded


def _money(minor_units: int) -> tuple[Rounded, Bare]:
    """Say minor units in major ones, whole from ten on: pennies count below."""
    minor = 10.0**minor_units

    def rounded(values: FloatArray) -> FloatArray:
        amounts: FloatArray = np.where(np.abs(values) < TEN * minor, np.rint(values), minor * np.rint(values / minor))
        return amounts

    def bare(value: float) -> str:
        major = value / minor
        return f"{major:,.{minor_units}f}" if 0 < abs(major) < TEN else _whole(major)

    return rounded, bare


def _amount(unit: str, shown: str, value: float = 1.0) -> str:
    """Say a shown value with its unit."""
    if unit == MONEY:
        return "nothing" if value == 0 else shown
    if unit in (PERCENT, NUMBER):
        return shown
    if unit == DAYS:
        return "less than a day" if shown == "0" else "1 day" if shown == "1" else f"{shown} days"
    if shown == "0":
        return f"no {unit}"
    head, space, tail = unit.partition(" of ")
    return f"1 {unit}" if shown == "1" else f"{shown} {head}s{space}{tail}"


@said_once
def _so_far(orders: float) -> str:
    return f"{_amount('order', _whole(orders))} so far, "


@said_once
def _usually(days: float) -> str:
    return f", usually every {_whole(days)}"


@said_once
def _ago(days: float) -> str:
    """Say that an order is due after so many days; below zero, that one was made -1 - days ago."""
    if days < 0:
        return f"last order {_amount(DAYS, _whole(-1.0 - days))} ago"
    return f"no order for {_amount(DAYS, _whole(days))}"


def _trend(what: str, value: float) -> str:
    """Say a trend, (last 90 days - 90 before) / both, from -1 to 1."""
    if isnan(value):
        return "no order in the last 180 days"
    if value == 1:
        return f"all {what} of the last 180 days in the last 90"
    if value == -1:
        return f"no {what} in the last 90 days, some in the 90 before"
    if round(100 * abs(value)) == 0:
        return f"{what} as in the 90 days before"
    change = 2 * value / (1 - value)  # against the 90 days before
    return f"{what} {'up' if value > 0 else 'down'} {100 * abs(change):,.0f} % on the 90 days before"
