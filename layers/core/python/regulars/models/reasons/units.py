"""From contributions that add up to a margin to effects that add up to the answer, in its unit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regulars.arrays import FloatArray

Link = Callable[[FloatArray], FloatArray]
"""From n customers' margins to their answers, not rounded; monotone, element by element."""

NEAR = 1e-4
"""Contributions that add up to less are measured by the link's slope, not by a quotient of two roundings."""

NOTHING = 1e-9
"""Effects whose sizes add up to less are none."""


@dataclass(frozen=True)
class Effects:
    """What each of `names` (features, and named parts beside them) adds to n answers, in the answer's unit.

    `values` has shape (n, names) and `base` (n,): the answer of a customer of whom nothing is known.
    A customer's `base` and `values` add up to the answer.
    """

    names: tuple[str, ...]
    values: FloatArray
    base: FloatArray

    def __add__(self, other: "Effects") -> "Effects":
        """Return the effects of two parts whose answers are added up, as those of a blend."""
        names = (*self.names, *(name for name in other.names if name not in self.names))
        values = np.zeros((len(self.base), len(names)))
        for part in (self, other):
            for column, name in enumerate(part.names):
                values[:, names.index(name)] += part.values[:, column]
        return Effects(names, values, self.base + other.base)

    def summing_to(self, answer: FloatArray) -> "Effects":
        """Return the effects with base and effects adding up to `answer`, shape (n,).

        What rounding left over is spread by size; where there is no effect, the base takes it.
        """
        size = np.abs(self.values)
        total = size.sum(axis=1)
        left = answer - self.base - self.values.sum(axis=1)
        moved = total > NOTHING
        share = np.divide(left, total, out=np.zeros_like(total), where=moved)
        base = np.where(moved, self.base, self.base + left)
        return Effects(self.names, self.values + size * share[:, None], base)


def in_answer_units(
    names: Sequence[str],
    contributions: FloatArray,
    base: FloatArray,
    link: Link,
    extras: Mapping[str, FloatArray] | None = None,
) -> Effects:
    """Turn contributions in margin space into effects in the answer's unit.

    `contributions` has shape (n, names) and `base` (n,); `extras` are named parts of the margin beside the features,
    each of shape (n,), such as a purchase-process forecast less its mean; a name that is a feature's is added to it.
    `link` turns margins into answers. With m = sum of contributions and extras, customer by customer,

        effect_i = contribution_i * (link(base + m) - link(base)) / m

    and the link's slope where m is next to zero. This is the Aumann-Shapley value of link(base + x_1 + x_2 + ...) along
    the straight line from nothing to the customer (Aumann and Shapley 1974, "Values of Non-Atomic Games"; the same rule
    is known as integrated gradients, Sundararajan, Taly and Yan 2017). It is complete (effects add up to the answer
    less that of the base), keeps signs and order, and of a sum of answers it is the sum of the parts' effects: a blend
    of several models is explained by adding their Effects up, each with its weight in its link.
    """
    more = {name: values for name, values in (extras or {}).items() if name not in names}
    values = np.column_stack([contributions, *more.values()])
    for name in set(extras or {}) - set(more):
        values[:, list(names).index(name)] += (extras or {})[name]
    margin = values.sum(axis=1)
    return Effects((*names, *more), values * _mean_slope(link, base, margin)[:, None], link(base))


def _mean_slope(link: Link, base: FloatArray, margin: FloatArray) -> FloatArray:
    """Return the mean of the link's slope between `base` and `base + margin`, shape (n,)."""
    middle = base + margin / 2
    slope = (link(middle + NEAR) - link(middle - NEAR)) / (2 * NEAR)
    change = link(base + margin) - link(base)
    mean: FloatArray = np.divide(change, margin, out=slope, where=np.abs(margin) > NEAR)
    return mean
