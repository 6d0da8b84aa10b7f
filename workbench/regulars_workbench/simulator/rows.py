"""Rows as integers: a customer's place in the block and a second, packed in one key that sorts in one pass."""

import numpy as np
import numpy.typing as npt
import polars as pl

from regulars_workbench.simulator.clock import Ints

SECOND_BITS = 32
"""Bits for the seconds, below the customer's place: 136 years."""
MASK = (1 << SECOND_BITS) - 1


def keys(who: Ints, seconds: Ints) -> Ints:
    """Pack places and seconds. Keys sort by customer and time."""
    return (who << SECOND_BITS) | seconds


def who_of(key: Ints) -> Ints:
    """Return the customers' places of keys."""
    return key >> SECOND_BITS


def seconds_of(key: Ints) -> Ints:
    """Return the seconds of keys."""
    return key & MASK


def pick(values: pl.Series, places: npt.NDArray[np.integer]) -> pl.Series:
    """Return the values at these places. Indexing by a series is many times as fast as `Series.gather`."""
    return values[pl.Series(places)]


def ordinals(who: Ints, size: int) -> Ints:
    """Number each customer's rows from 0; `who` is sorted and below `size`."""
    counts = np.bincount(who, minlength=size)
    return np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
