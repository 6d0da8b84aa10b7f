"""Days on which something is missing or astray, judged by the shop's own rhythm."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

QUIET_DAYS = 60
"""Rows after so long a silence, or before one, ..."""
FEW = 0.01
"""... are astray when they are less than this share of the table."""
EXPECTED = 15.0
"""A silence is a hole when so many orders could be expected in it: chance leaves such a day empty once in 3 million
(Poisson, exp(-15))."""
SIDES = 4
"""What to expect on a weekday comes from so many weeks on either side, the poorer side of the two."""

Days = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """The days between which a table's rows lie, `stray` ones left out: (day, rows) of each day of those."""

    first: int
    last: int
    stray: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Silence:
    """Days from `first` to `last` without a row, and how many could have been expected."""

    first: int
    last: int
    expected: float


def by_day(frame: pl.DataFrame, column: str, count: str = "row_count") -> tuple[Days, Days]:
    """Return the days (since 1970-01-01, ascending) and the rows of each; rows without a day are left out."""
    known = frame.filter(pl.col(column).is_not_null())
    summed = known.group_by(column).agg(pl.col(count).sum()).sort(column)
    return summed[column].to_numpy(), summed[count].to_numpy()


def stretch(days: Days, counts: Days) -> Stretch | None:
    """Tell the few rows that lie far before or after all others from the rest; None when there is no row."""
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
    apart = [int(place) for block in (*blocks[:low], *blocks[high + 1 :]) for place in block]
    stray_days = tuple((int(days[place]), int(counts[place])) for place in apart)
    return Stretch(int(days[kept[0]]), int(days[kept[-1]]), stray_days)


def silences(days: Days, counts: Days, within: Stretch) -> list[Silence]:
    """Return the silent days, in runs, in which EXPECTED rows or more could have been expected."""
    inside = (days >= within.first) & (days <= within.last)
    daily = np.zeros(within.last - within.first + 1)
    daily[days[inside] - within.first] = counts[inside]
    busy = np.flatnonzero(daily)
    runs = [(int(a) + 1, int(b) - 1) for a, b in pairwise(busy) if b - a > 1]
    found = [Silence(within.first + a, within.first + b, _expected(daily, a, b)) for a, b in runs]
    return [silence for silence in found if silence.expected >= EXPECTED]


def _expected(daily: npt.NDArray[np.float64], first: int, last: int) -> float:
    """Add up, over the days of a run, the mean of the same weekday in the weeks around it.

    The poorer side counts, so that a weekday on which the shop only began, or ceased, to open is no hole.
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
