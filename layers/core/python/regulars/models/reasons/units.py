"""From contributions, which add up to a margin, to effects, which add up to the answer in its unit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regulars.arrays import FloatArray

Link = Callable[[FloatArray], FloatArray]
"""Maps n customers' margins to their unrounded answers: monotone, element by element."""

NEAR = 1e-4
"""Below this sum of contributions the link's slope is used; a quotient of two tiny differences is inexact."""

NOTHING = 1e-9
"""Effects whose absolute sum is smaller count as zero."""


@dataclass(frozen=True)
class Effects:
    """What each of `names` (features, and other named parts) adds to n answers, in the answer's unit.

    `values` has shape (n, names). `base` (n,) is the answer for a customer of whom nothing is known. A customer's
    `base` and `values` add up to the answer.
    """

    names: tuple[str, ...]
    values: FloatArray
    base: FloatArray

    def __add__(self, other: "Effects") -> "Effects":
        """Return the effects of two parts whose answers are added, such as parts of a blend."""
        names = (*self.names, *(name for name in other.names if name not in self.names))
        values = np.zeros((len(self.base), len(names)))
        for part in (self, other):
            for column, name in enumerate(part.names):
                values[:, names.index(name)] += part.values[:, column]
        return Effects(names, values, self.base + other.base)

    def summing_to(self, answer: FloatArray) -> "Effects":
        """Return effects that, with their base, add up exactly to `answer`, shape (n,).

        The rounding error is spread over the effects by size, or added to the base where there are none.
        """
        size = np.abs(self.values)
        total = size.sum(axis=1)
        error = answer - self.base - self.values.sum(axis=1)
        has_effects = total > NOTHING
        share = np.divide(error, total, out=np.zeros_like(total), where=has_effects)
        base = np.where(has_effects, self.base, self.base + error)
        return Effects(self.names, self.values + size * share[:, None], base)


def in_answer_units(
    names: Sequence[str],
    contributions: FloatArray,
    base: FloatArray,
    link: Link,
    extras: Mapping[str, FloatArray] | None = None,
) -> Effects:
    """Turn contributions in margin space into effects in the answer's unit.

    `contributions` has shape (n, names) and `base` (n,). `extras` are other named parts of the margin, each of shape
    (n,), such as a purchase-process forecast minus its mean; an extra with a feature's name is added to that feature.
    `link` turns margins into answers. With m = sum of contributions and extras, for each customer,

        effect_i = contribution_i * (link(base + m) - link(base)) / m

    or contribution_i times the link's slope where m is nearly zero. This is the Aumann-Shapley value of
    link(base + x_1 + x_2 + ...) along the straight line from zero to the customer (Aumann and Shapley 1974, "Values of
    Non-Atomic Games"; also known as integrated gradients, Sundararajan, Taly and Yan 2017). Effects add up to
    link(base + m) - link(base) and keep the signs and the order of contributions. The rule is additive: a blend of
    models is explained by adding their Effects, each with its weight in its link.
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
