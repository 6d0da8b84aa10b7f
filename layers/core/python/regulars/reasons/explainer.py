"""Each customer's few largest reasons, one a group of features, with numbers and in words."""

from collections.abc import Iterable, Mapping
from math import isnan
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from regulars.bundle import Bundle
from regulars.reasons.groups import PURCHASE_HISTORY, columns_by_group, group_of
from regulars.reasons.units import Effects, FloatArray
from regulars.reasons.words import Narrator

TYPICAL = "constants/typical.json"
ORDERS, RECENCY, USUAL = "order_count", "recency_days", "gap_mean_days"
"""What a reason may say beside the feature's own value."""

NAN = float("nan")


class Reason(BaseModel):
    """What features that say the same thing do to a score."""

    feature: str = Field(
        description="the group's feature that does most in the direction of its effect", examples=["overdue_ratio"]
    )
    group: str = Field(description="features that say the same thing; their effects are added up", examples=["recency"])
    value: float | None = Field(
        description="the customer's value of `feature`, in its own unit (docs/features.md); null when not known",
        examples=[4.0],
    )
    effect: float = Field(
        description="what the group adds to the answer, in the answer's unit; negative takes off", examples=[0.18]
    )
    text: str = Field(
        description="the value in words, beside what is usual for this customer or typical of all",
        examples=["no order for 120 days, usually every 30"],
    )


class Reasons(list[Reason]):
    """A customer's largest reasons; `base`, their effects and `rest` add up to the answer.

    `base` is the answer of a customer of whom nothing is known, `rest` what the groups that are not shown add.
    """

    def __init__(self, top: Iterable[Reason], base: float, rest: float) -> None:
        super().__init__(top)
        self.base = round(base, 6)
        self.rest = round(rest, 6)


class Explainer:
    """Picks and words reasons; opened from a bundle's learnt medians."""

    def __init__(self, typical: Mapping[str, float], minor_units: int) -> None:
        self._narrator = Narrator(typical, minor_units)

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """Open the explainer of a bundle."""
        return cls(bundle.json(TYPICAL), bundle.manifest.minor_units)

    def top(self, columns: Mapping[str, FloatArray], effects: Effects, count: int) -> list[Reasons]:
        """Return each customer's `count` groups with the largest effects, largest first.

        `columns` holds the n customers' values by feature; a name of `effects` that is not in it has no value.
        """
        total, headline = by_group(effects)
        order = np.argsort(-np.abs(total), axis=1, kind="stable")
        largest = order[:, :count]
        chosen = (np.take_along_axis(headline, largest, axis=1), np.take_along_axis(total, largest, axis=1))
        rest = np.zeros(len(total))
        for places in order[:, count:].T:  # one after the other: a customer alone gets the same bits as among many
            rest += np.take_along_axis(total, places[:, None], axis=1)[:, 0]
        rows = zip(*(array.tolist() for array in (*chosen, effects.base, rest)), strict=True)
        return [
            Reasons(
                (
                    self._reason(_Customer(columns, row), effects.names[place], effect)
                    for place, effect in zip(places, sizes, strict=True)
                ),
                base,
                left,
            )
            for row, (places, sizes, base, left) in enumerate(rows)
        ]

    def _reason(self, customer: "_Customer", feature: str, effect: float) -> Reason:
        group, value = group_of(feature), customer[feature]
        said = self._history if group == PURCHASE_HISTORY else self._plainly
        text = said(customer, feature, value)
        known = None if isnan(value) else round(value, 6)
        return Reason(feature=feature, group=group, value=known, effect=round(effect, 6), text=text)

    def _plainly(self, customer: "_Customer", feature: str, value: float) -> str:
        return self._narrator.text(feature, value, customer[USUAL])

    def _history(self, customer: "_Customer", feature: str, value: float) -> str:
        """Say what the purchase process goes by, and what it makes of it where that is known."""
        past = self._narrator.history(customer[ORDERS], customer[RECENCY], customer[USUAL])
        return past if isnan(value) else f"{past}: {self._narrator.text(feature, value, NAN)}"


class _Customer:
    """One customer's values by feature, NaN where there is none."""

    def __init__(self, columns: Mapping[str, FloatArray], row: int) -> None:
        self._columns, self._row = columns, row

    def __getitem__(self, feature: str) -> float:
        return float(self._columns[feature][self._row]) if feature in self._columns else NAN


def by_group(effects: Effects) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Add effects up by group; return the groups' effects and their headline features, both of shape (n, groups).

    Groups come in the order of their first feature. A headline is a place among `effects.names`: of the feature that
    does most in the direction of the group's effect.
    """
    places = columns_by_group(effects.names)
    total = np.zeros((len(effects.base), len(places)))
    headline = np.zeros(total.shape, dtype=np.int64)
    for index, columns in enumerate(places.values()):
        for column in columns:  # one after the other: a customer alone gets the same bits as among many
            total[:, index] += effects.values[:, column]
        toward = effects.values[:, columns] * np.where(total[:, index] < 0, -1.0, 1.0)[:, None]
        headline[:, index] = np.array(columns)[toward.argmax(axis=1)]
    return total, headline
