"""A feature's value in words: "no order for 120 days, usually every 30".

A batch has millions of values, but few that differ once they are rounded as shown. So values are rounded first, and
each different one is formatted once. A single customer takes the same way, so that its texts are the same.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isnan

import numpy as np
import numpy.typing as npt

from regulars.arrays import FloatArray
from regulars.models.reasons.phrases import DAYS, MONEY, NUMBER, ONE_DAY, PERCENT, PHRASES, Phrase

FEW = 16
"""Up to so many values are formatted one by one, which is faster than sorting them."""

TEN = 10.0
"""Numbers and amounts below it have decimals."""

Texts = npt.NDArray[np.object_]

Formatter = Callable[[FloatArray, FloatArray], Texts]
"""Formats n values, given the customers' mean gaps between orders in days; NaN is unknown."""

Rounder = Callable[[FloatArray], FloatArray]
"""Rounds values as they are shown."""

Format = Callable[[float], str]
"""Formats a rounded value, without its unit."""


class Narrator:
    """Describes values of features; `typical` are the features' medians at training, nulls left out."""

    def __init__(self, typical: Mapping[str, float], minor_units: int) -> None:
        self._typical = typical
        self._units: dict[str, tuple[Rounder, Format]] = {
            PERCENT: (lambda values: np.rint(100.0 * values), lambda value: f"{value:.0f} %"),
            NUMBER: (_tenths, lambda value: f"{value:.1f}".removesuffix(".0") if abs(value) < TEN else _whole(value)),
            MONEY: _money(minor_units),
        }
        self._formatters: dict[str, Formatter] = {}
        days = typical.get("recency_days")
        self._late_from = days if days is not None else 0.0
        beside = self._beside("recency_days", DAYS)
        self._beside_days = cached(lambda days: beside(_whole(days)))

    def text(self, feature: str, value: float, usual_days: float) -> str:
        """Describe one value; `usual_days` is the customer's mean gap between orders in days, NaN when unknown."""
        return str(self.texts(feature, np.array([value]), np.array([usual_days]))[0])

    def texts(self, feature: str, values: FloatArray, usual_days: FloatArray) -> Texts:
        """Describe n customers' values of one feature."""
        if feature not in self._formatters:
            self._formatters[feature] = self._formatter(feature)
        return self._formatters[feature](values, usual_days)

    def histories(self, orders: FloatArray, days: FloatArray, usual_days: FloatArray) -> Texts:
        """Describe n purchase histories: the number of orders, the days since the last, and the usual gap."""
        texts: Texts = format_each(_whole_not_negative(orders), _so_far) + self._recency(days, usual_days)
        return texts

    def _formatter(self, feature: str) -> Formatter:
        if feature == "recency_days":
            return self._recency
        if feature == "overdue_ratio":
            return self._overdue
        if feature in ("orders_trend_90d", "spend_trend_90d"):
            noun = feature.partition("_")[0]
            trend = cached(lambda value: _trend(noun, value))
            return lambda values, _: format_each(values, trend)
        return self._plain(feature, PHRASES.get(feature) or Phrase(feature.replace("_", " ") + " {}", NUMBER))

    def _plain(self, feature: str, phrase: Phrase) -> Formatter:
        rounded, bare = self._unit(phrase.unit)
        beside = self._beside(feature, phrase.unit)
        unknown = phrase.unknown or f"{feature.replace('_', ' ')} not known"
        before, _, after = phrase.template.partition("{}")

        @cached
        def say(value: float) -> str:
            if isnan(value):
                return unknown
            shown = bare(value)
            return f"{before}{_amount(phrase.unit, shown, value)}{after}{beside(shown)}"

        return lambda values, _: format_each(rounded(values), say)

    def _overdue(self, ratios: FloatArray, usual_days: FloatArray) -> Texts:
        texts = self._recency(ratios * usual_days, usual_days)
        texts[np.isnan(ratios)] = ONE_DAY
        return texts

    def _recency(self, days: FloatArray, usual_days: FloatArray) -> Texts:
        """Describe the days since the last order, beside the customer's usual gap or else the typical customer's."""
        unknown = np.isnan(usual_days)
        late = days >= np.where(unknown, self._late_from, usual_days)
        shown = _whole_not_negative(days)
        ago = format_each(np.where(late, shown, -1.0 - shown), _ago)
        usual = format_each(np.rint(np.maximum(usual_days, 1.0)), _usually)
        texts: Texts = ago + np.where(unknown, format_each(shown, self._beside_days), usual)
        return texts

    def _beside(self, feature: str, unit: str) -> Callable[[str], str]:
        """Return a function that appends the typical customer's value to a shown one."""
        typical = self._typical.get(feature)
        if typical is None:
            return lambda _: ""
        rounded, bare = self._unit(unit)
        usual = bare(float(rounded(np.array([typical]))[0]))
        other = f", typical customer {usual}"
        return lambda shown: ", like the typical customer" if shown == usual else other

    def _unit(self, unit: str) -> tuple[Rounder, Format]:
        return self._units.get(unit, (_whole_not_negative, _whole))


def cached(say: Format) -> Format:
    """Cache the texts of a few thousand values, since many customers share them."""
    return lru_cache(maxsize=1 << 13)(say)


def format_each(values: FloatArray, say: Format) -> Texts:
    """Format each value; of more than FEW, each different one once."""
    if len(values) <= FEW:
        return np.array([say(value) for value in values.tolist()], dtype=object)
    unique, places = np.unique(values, return_inverse=True)
    texts: Texts = np.array([say(value) for value in unique.tolist()], dtype=object)[places]
    return texts


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _whole_not_negative(values: FloatArray) -> FloatArray:
    """Round counts and days, at least 0; + 0.0 turns a negative zero into zero."""
    rounded: FloatArray = np.maximum(np.rint(values), 0.0) + 0.0
    return rounded


def _tenths(values: FloatArray) -> FloatArray:
    rounded: FloatArray = np.where(np.abs(values) < TEN, np.rint(10.0 * values) / 10.0, np.rint(values))
    return rounded


def _money(minor_units: int) -> tuple[Rounder, Format]:
    """Return how money is rounded and formatted: in major units, with decimals below ten."""
    minor = 10.0**minor_units

    def rounded(values: FloatArray) -> FloatArray:
        amounts: FloatArray = np.where(np.abs(values) < TEN * minor, np.rint(values), minor * np.rint(values / minor))
        return amounts

    def bare(value: float) -> str:
        major = value / minor
        return f"{major:,.{minor_units}f}" if 0 < abs(major) < TEN else _whole(major)

    return rounded, bare


def _amount(unit: str, shown: str, value: float = 1.0) -> str:
    """Return a shown value with its unit."""
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


@cached
def _so_far(orders: float) -> str:
    return f"{_amount('order', _whole(orders))} so far, "


@cached
def _usually(days: float) -> str:
    return f", usually every {_whole(days)}"


@cached
def _ago(days: float) -> str:
    """Describe the days since the last order; a negative number stands for -1 - days that are not late."""
    if days < 0:
        return f"last order {_amount(DAYS, _whole(-1.0 - days))} ago"
    return f"no order for {_amount(DAYS, _whole(days))}"


def _trend(noun: str, value: float) -> str:
    """Describe a trend: (last 90 days - 90 days before) / both, from -1 to 1."""
    if isnan(value):
        return "no order in the last 180 days"
    if value == 1:
        return f"all {noun} of the last 180 days in the last 90"
    if value == -1:
        return f"no {noun} in the last 90 days, some in the 90 before"
    if round(100 * abs(value)) == 0:
        return f"{noun} as in the 90 days before"
    change = 2 * value / (1 - value)  # relative to the 90 days before
    return f"{noun} {'up' if value > 0 else 'down'} {100 * abs(change):,.0f} % on the 90 days before"
