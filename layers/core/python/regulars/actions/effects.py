"""Effects: what an action changes for each customer over the horizon, assumed or learnt from experiments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.NDArray[Any]]
"""Scores and features by name, one array of n values each, all of the same customers in the same order."""

On = Literal["churn", "orders", "value"]
How = Literal["relative", "absolute"]


@dataclass(frozen=True)
class Effect:
    """What one action changes for n customers: the expected change, and the ends of its 80 % interval.

    Arrays of shape (n,). What they count hangs on `on`, over the score's horizon:

    - churn: change of the probability of no order; negative keeps customers
    - orders: change of the expected number of orders
    - value: change of the expected revenue; absolute ones in minor units (cents)

    Relative changes are shares of the customer's own score (-0.1: a tenth less), absolute ones are added to it. The two
    ends may come in either order: of a fall in churn, the larger number is the worse end.
    """

    on: On
    how: How
    low: Floats
    likely: Floats
    high: Floats


class EffectSource(Protocol):
    """Where an action's effect comes from."""

    def of(self, columns: Columns, rows: int) -> Effect:
        """Return the effect on each of the `rows` customers of `columns`, without changing them."""


@dataclass(frozen=True)
class AssumedEffect:
    """The same effect for everyone, as the catalogue states it; a value effect is in minor units here."""

    on: On
    how: How
    low: float
    likely: float
    high: float

    def of(self, columns: Columns, rows: int) -> Effect:  # noqa: ARG002 - the protocol's; an assumption looks at nobody
        """Return the three numbers as read-only arrays that take no memory."""
        low, likely, high = (np.broadcast_to(np.float64(one), (rows,)) for one in (self.low, self.likely, self.high))
        return Effect(self.on, self.how, low, likely, high)
