"""Missing days and stray dates, judged by the shop's own weekly pattern."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

QUIET_DAYS = 60
"""Rows that are separated from the others by more than so many days without rows ..."""
FEW = 0.01
"""... are stray when they are less than this share of the table."""
EXPECTED = 15.0
"""Days without orders are a gap in the data when so many orders were expected on them. By chance such days are empty
once in 3 million (Poisson, exp(-15))."""
SIDES = 4
"""Weeks on either side from which a weekday's expected orders are computed. The lower side is used."""

Days = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """First and last day of a table's rows without stray ones. `stray` has (day, rows) of each stray day."""

    first: int
    last: int
    stray: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Silence:
    """Days from `first` to `last` without a row, and the number of rows expected."""

    first: int
    last: int
    expected: float


def by_day(frame: pl.DataFrame, column: str, count: str = "row_count") -> tuple[Days, Days]:
    """Return days (since 1970-01-01, ascending) and the rows of each, without rows that have no day."""
    known = frame.filter(pl.col(column).is_not_null())
    summed = known.group_by(column).agg(pl.col(count).sum()).sort(column)
    return summed[column].to_numpy(), summed[count].to_numpy()


def main_span(days: Days, counts: Days) -> Span | None:
    """Separate the few rows far before or after all others from the rest; None without rows."""
    if not len(days):
        return None
    blocks = np.split(np.arange(len(days)), np.flatnonzero(np.diff(days) > QUIET_DAYS) + 1)
    sizes = [int(counts[block].sum()) for block in blocks]
    most = FEW * sum(sizes)
    low, high, stray = 0, len(blocks) - 1, 0
    while low < high:
        smaller = min(sizes[low], sizes[high])
        stray += smaller
        if stray >= most:
            break
        low, high = (low + 1, high) if sizes[low] == smaller else (low, high - 1)
    kept = np.concatenate(blocks[low : high + 1])
    stray_places = [int(place) for block in (*blocks[:low], *blocks[high + 1 :]) for place in block]
    stray_days = tuple((int(days[place]), int(counts[place])) for place in stray_places)
    return Span(int(days[kept[0]]), int(days[kept[-1]]), stray_days)


def silences(days: Days, counts: Days, span: Span) -> list[Silence]:
    """Return the runs of days without rows on which EXPECTED rows or more were expected."""
    inside = (days >= span.first) & (days <= span.last)
    daily = np.zeros(span.last - span.first + 1)
    daily[days[inside] - span.first] = counts[inside]
    busy = np.flatnonzero(daily)
    runs = [(int(a) + 1, int(b) - 1) for a, b in pairwise(busy) if b - a > 1]
    candidates = [Silence(span.first + a, span.first + b, _expected(daily, a, b)) for a, b in runs]
    return [silence for silence in candidates if silence.expected >= EXPECTED]


def _expected(daily: npt.NDArray[np.float64], first: int, last: int) -> float:
    """Sum, over the days of a run, the mean of the same weekday in the weeks around it.

    The side with the lower mean is used, so a weekday on which the shop starts or stops opening is not a gap.
    """
    length = last - first + 1
    expected = 0.0
    for weekday in range(min(length, 7)):
        before = daily[first + weekday - 7 :: -7][:SIDES] if first + weekday >= 7 else daily[:0]  # noqa: PLR2004 - days of a week
        start = first + weekday + 7 * ((length - weekday - 1) // 7 + 1)
        after = daily[start::7][:SIDES]
        if len(before) and len(after):
            days = (length - weekday - 1) // 7 + 1
            expected += days * min(before.mean(), after.mean())
    return expected
