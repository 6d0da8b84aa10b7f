"""What an action changes for each customer over the horizon, and the effects that a catalogue assumes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from regulars.actions.catalogue import How, On
from regulars.arrays import FloatArray

Columns = Mapping[str, npt.NDArray[Any]]
"""Scores and features by name: one array of n values each, with the same customers in the same order."""


@dataclass(frozen=True)
class Effect:
    """The expected change by one action for n customers, and the ends of its 80 % interval: arrays of shape (n,).

    `on` says what changes over the score's horizon:

    - churn: the probability of no order; a negative change keeps customers
    - orders: the expected number of orders
    - value: the expected revenue; an absolute change is in minor units (cents)

    A relative change is a share of the customer's own score (-0.1: a tenth less). An absolute change is added to it.
    `low` may be larger than `high`: for churn, the larger number is the worse end.
    """

    on: On
    how: How
    low: FloatArray
    likely: FloatArray
    high: FloatArray

    @property
    def is_money(self) -> bool:
        """Whether a change is an amount of money."""
        return (self.on, self.how) == ("value", "absolute")

    def in_currency(self, change: float, scale: float) -> float | None:
        """Return a change as users write it: money in units of currency (`scale` minor units each), None for NaN."""
        if np.isnan(change):
            return None
        return float(change / scale if self.is_money else change)


class EffectSource(Protocol):
    """Gives the effect of one action on any customers."""

    def of(self, columns: Columns, rows: int) -> Effect:
        """Return the effect on each of the `rows` customers of `columns`; `columns` stay unchanged."""


@dataclass(frozen=True)
class AssumedEffect:
    """The same effect for every customer, from the catalogue; an absolute effect on value is in minor units."""

    on: On
    how: How
    low: float
    likely: float
    high: float

    def of(self, columns: Columns, rows: int) -> Effect:  # noqa: ARG002 - part of the protocol
        """Return the three numbers as read-only arrays that take no memory."""
        low, likely, high = (np.broadcast_to(np.float64(end), (rows,)) for end in (self.low, self.likely, self.high))
        return Effect(self.on, self.how, low, likely, high)
