"""The world's calendar: a busy December hour passes more shopping time than a quiet August night."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

MONTHS = (0.93, 0.84, 0.90, 0.93, 0.95, 0.90, 0.85, 0.84, 0.95, 1.02, 1.50, 1.55)
"""Demand by month, January first: November and December carry a gift trade's peak."""
WEEKDAYS = (1.05, 0.98, 0.96, 0.97, 1.02, 0.92, 1.10)
"""Demand by day, Monday first."""
HOURS = (2, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 10, 11, 10, 9, 9, 9, 10, 12, 14, 15, 13, 9, 5)
"""Demand by hour of the day (UTC)."""

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Clock:
    """Calendar days against shopping days, on an hourly grid.

    A Poisson process of constant rate in shopping days has the season's rate in calendar days: the inversion method
    for a cumulative rate (Cinlar 1975, Introduction to Stochastic Processes, section 4.7).
    """

    start: date
    days: float
    _grid: Floats
    _shopping: Floats

    @classmethod
    def between(cls, start: date, end: date, growth: float = 0.0) -> "Clock":
        """Make the clock of [start, end); demand grows by the factor exp(growth) a year from a mean of 1."""
        hours = (end - start).days * 24
        grid = np.arange(hours + 1) / 24
        demand = _demand(start, end) * np.exp(growth * grid[:-1] / 365.25)
        return cls(start, hours / 24, grid, np.concatenate(([0.0], np.cumsum(demand / 24))))

    def growing(self, growth: float) -> "Clock":
        """Make the clock of the same days on which demand grows by the factor exp(growth) a year."""
        return Clock.between(self.start, self.start + timedelta(days=self.days), growth)

    @property
    def total(self) -> float:
        """The shopping days of the whole world."""
        return float(self._shopping[-1])

    def shopping(self, days: Floats) -> Floats:
        """Turn calendar days since the start into shopping days."""
        return np.interp(days, self._grid, self._shopping)

    def calendar(self, shopping: Floats) -> Floats:
        """Turn shopping days into calendar days since the start."""
        return np.interp(shopping, self._shopping, self._grid)

    def draw(self, rng: np.random.Generator, since: Floats, until: Floats) -> Floats:
        """Draw one instant in each [since, until], by the season's demand."""
        shopping = rng.uniform(self.shopping(since), self.shopping(until))
        # Interpolating there and back rounds: without the clip an order can precede its sign-up by a microsecond.
        return np.clip(self.calendar(shopping), since, until)

    def inside(self, days: Floats) -> npt.NDArray[np.bool_]:
        """Tell which instants lie before the end, at the precision that is written."""
        return _microseconds(days) < round(self.days * DAY_US)

    def stamps(self, days: Floats) -> pl.Series:
        """Make instants of days since the start: UTC, microseconds, no zone, as the lake keeps them."""
        origin = (self.start - date(1970, 1, 1)).days * DAY_US
        return pl.Series(origin + _microseconds(days)).cast(pl.Datetime("us"))


def _microseconds(days: Floats) -> Ints:
    return np.floor(days * DAY_US).astype(np.int64)


def _demand(start: date, end: date) -> Floats:
    """Relative demand of each hour in [start, end); 1 is the mean over a year, a week and a day."""
    dates = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D"))
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (dates.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    daily = _relative(MONTHS)[month] * _relative(WEEKDAYS)[weekday]
    return np.outer(daily, _relative(HOURS)).ravel()


def _relative(weights: tuple[float, ...]) -> Floats:
    return np.asarray(weights, dtype=np.float64) / np.mean(weights)
