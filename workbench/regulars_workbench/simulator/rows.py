"""Rows as whole numbers: a customer's place in the block and a second in one key, so that sorting is one pass."""

import numpy as np
import numpy.typing as npt
import polars as pl

from regulars_workbench.simulator.clock import Ints

SECOND_BITS = 32
"""Room for 136 years of seconds below the customer's place."""
MASK = (1 << SECOND_BITS) - 1


def keys(who: Ints, seconds: Ints) -> Ints:
    """Pack place and second; keys sort by customer and time."""
    return (who << SECOND_BITS) | seconds


def who_of(key: Ints) -> Ints:
    """Return the customers' places of keys."""
    return key >> SECOND_BITS


def seconds_of(key: Ints) -> Ints:
    """Return the seconds of keys."""
    return key & MASK


def pick(values: pl.Series, places: npt.NDArray[np.integer]) -> pl.Series:
    """Return the values at these places: by a series of them, which is many times as fast as `Series.gather`."""
    return values[pl.Series(places)]


def ordinals(who: Ints, size: int) -> Ints:
    """Number each customer's rows from 0; `who` is sorted and below `size`."""
    counts = np.bincount(who, minlength=size)
    return np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
