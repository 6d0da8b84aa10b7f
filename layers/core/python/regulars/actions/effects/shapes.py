"""Shapes: simple ways in which an effect may vary between customers, for experiments too small for trees."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, Field

from regulars.actions.effects.effect import Columns
from regulars.arrays import FloatArray

ALIVE, ORDERS, REPEATS, DISCOUNT = "process_alive", "process_orders", "repeat_days", "discount_share"
SHAPED = (ALIVE, ORDERS, REPEATS, DISCOUNT)
"""Features that shapes read."""

DISCOUNT_PRIOR = 6.0
"""Days of purchase at the usual discount share that are added to each customer's own: a few orders show little."""


class Shape(BaseModel):
    """One shape, and its weight `part` in a mean of several.

    P(alive) x 2 d^discount / (1 + d^discount) x exp(-quiet x s)

    d is the customer's discount share (shrunk to the usual share) over the usual share; s is the expected orders in
    the horizon of a customer who is alive. The reasons: a customer who has left cannot be moved; one who buys at a
    discount may be; one who would order anyway adds little.
    """

    part: float
    discount: float = Field(ge=0)
    quiet: float = Field(ge=0)

    def of(self, columns: Columns, usual: float) -> FloatArray:
        """Return the shape's value for each customer, shape (n,)."""
        alive, count = columns[ALIVE].astype(np.float64), columns[REPEATS].astype(np.float64) + 1.0
        value = alive * np.exp(-self.quiet * columns[ORDERS] / np.maximum(alive, 1e-3))
        if self.discount and usual > 0:
            share = np.nan_to_num(columns[DISCOUNT].astype(np.float64), nan=usual)
            ratio = np.maximum((count * share / usual + DISCOUNT_PRIOR) / (count + DISCOUNT_PRIOR), 0.0)
            value = value * 2 * ratio**self.discount / (1 + ratio**self.discount)
        return value


def shaped(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]], names: Sequence[str]) -> dict[str, FloatArray]:
    """Return the columns that shapes read, from features of shape (n, features)."""
    return {name: rows[:, names.index(name)].astype(np.float64) for name in SHAPED}


def mean_shape(shapes: Sequence[Shape], columns: Columns, usual: float) -> FloatArray:
    """Return the weighted sum of the shapes' values, shape (n,)."""
    total: FloatArray = np.sum([shape.part * shape.of(columns, usual) for shape in shapes], axis=0, dtype=np.float64)
    return total
