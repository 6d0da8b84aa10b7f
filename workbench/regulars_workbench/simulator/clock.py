"""The calendar of a world, in shopping time: a busy December hour counts more than a quiet August night."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from regulars_workbench.simulator.shop import Shop

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

HOURS = (2, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 10, 11, 10, 9, 9, 9, 10, 12, 14, 15, 13, 9, 5)
"""Demand by hour of the day (UTC)."""
HOLIDAYS = ((12, 8, 6, 0.35), (12, 18, 3, 0.35), (12, 25, 1, -0.60), (1, 1, 1, -0.50), (2, 12, 2, 0.20))
"""Month, day, half-width in days, and gain of demand at the peak: before Christmas, closed days, Valentine."""
BLACK_FRIDAY, BLACK_DAYS = 0.8, 3
DAY_S = 86_400
YEAR = 365.25
FINE = 8
"""Cells of the inverse table for each hour. The error is below a minute in the quietest hour."""


@dataclass(frozen=True)
class Clock:
    """Converts calendar days to shopping days and back, on an hourly grid.

    A Poisson process of constant rate in shopping days has the season's rate in calendar days: the inversion method
    for a cumulative rate (Cinlar 1975, Introduction to Stochastic Processes, section 4.7).
    """

    start: date
    days: float
    _shopping: Floats
    _seconds: Floats

    @classmethod
    def between(cls, start: date, end: date, shop: Shop, growth: float = 0.0) -> "Clock":
        """Make the clock of [start, end). Demand has a mean of about 1 and grows by the factor exp(growth) a year."""
        hours = (end - start).days * 24
        grid = np.arange(hours + 1) / 24
        demand = _demand(start, end, shop) * np.exp(growth * grid[:-1] / YEAR)
        shopping = np.concatenate(([0.0], np.cumsum(demand / 24)))
        even = np.linspace(0, shopping[-1], hours * FINE + 1)
        seconds = np.interp(even, shopping, grid) * DAY_S
        return cls(start, hours / 24, shopping, np.append(seconds, seconds[-1]))

    @property
    def seconds(self) -> int:
        """Length of the world in seconds."""
        return round(self.days * DAY_S)

    def shopping(self, days: Floats) -> Floats:
        """Turn calendar days since the start into shopping days."""
        # The grid is even, so the cell is known without the search of np.interp.
        place = np.clip(days, 0.0, self.days) * 24
        cell = np.minimum(place.astype(np.int64), len(self._shopping) - 2)
        low = self._shopping[cell]
        return np.asarray(low + (place - cell) * (self._shopping[cell + 1] - low), dtype=np.float64)

    def draw(self, rng: np.random.Generator, since: Floats, until: Floats, count: Ints) -> Ints:
        """Draw `count[i]` instants in each [since[i], until[i]] (days), in proportion to demand.

        Return whole seconds since the start, shape (count.sum(),), grouped by i and unsorted within a group. All lie
        before the end.
        """
        # With an even table the inverse is one multiplication and one look-up, ten times as fast as np.interp.
        scale = (len(self._seconds) - 2) / self._shopping[-1]
        first = self.shopping(since) * scale
        place = rng.random(int(count.sum()))
        place *= np.repeat(self.shopping(until) * scale - first, count)
        place += np.repeat(first, count)
        cell = place.astype(np.int32)
        place -= cell
        low = self._seconds[cell]
        drawn = (low + place * (self._seconds[cell + 1] - low)).astype(np.int64)
        # The table rounds. Without the clip an order could precede its sign-up by seconds.
        least, most = self.whole(since), np.minimum(self.whole(until), self.seconds - 1)
        return np.clip(drawn, np.repeat(least, count), np.repeat(most, count), out=drawn)

    @staticmethod
    def whole(days: Floats) -> Ints:
        """Turn days since the start into whole seconds, rounded down."""
        return np.floor(days * DAY_S).astype(np.int64)

    def stamps(self, seconds: Ints) -> pl.Series:
        """Convert seconds since the start to instants as in the lake: UTC, microseconds, without a time zone."""
        origin = (self.start - date(1970, 1, 1)).days * DAY_S
        return pl.Series((seconds + origin) * 1_000_000).cast(pl.Datetime("us"))


def _demand(start: date, end: date, shop: Shop) -> Floats:
    """Return the relative demand of each hour in [start, end); its mean is about 1 over a year."""
    return np.outer(daily_demand(start, end, shop), _relative(HOURS)).ravel()


def daily_demand(start: date, end: date, shop: Shop) -> Floats:
    """Return the relative demand of each day in [start, end): month, weekday, holidays."""
    dates = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D"))
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (dates.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return _relative(shop.months)[month] * _relative(shop.weekdays)[weekday] * _holidays(dates, shop.holidays)


def _holidays(dates: npt.NDArray[np.datetime64], strength: float) -> Floats:
    factor = np.ones(len(dates))
    for year in np.unique(dates.astype("datetime64[Y]").astype(np.int64) + 1970):
        november = date(int(year), 11, 1)
        thanksgiving = november + timedelta(days=(3 - november.weekday()) % 7 + 21)
        friday = np.datetime64(thanksgiving + timedelta(days=1), "D")
        peaks = [(np.datetime64(f"{year}-{month:02}-{day:02}", "D"), half, gain) for month, day, half, gain in HOLIDAYS]
        for day, half, gain in [*peaks, (friday, BLACK_DAYS, BLACK_FRIDAY)]:
            away = np.abs((dates - day).astype(np.int64))
            factor += strength * gain * np.maximum(0.0, 1 - away / half)
    return np.maximum(factor, 0.05)


def _relative(weights: tuple[float, ...]) -> Floats:
    return np.asarray(weights, dtype=np.float64) / np.mean(weights)
