"""Each customer's largest reasons, one per group of features, as numbers and in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Self, overload

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from regulars.arrays import FloatArray
from regulars.models.bundle import Bundle
from regulars.models.reasons.groups import PURCHASE_HISTORY, columns_by_group, group_of
from regulars.models.reasons.units import Effects
from regulars.models.reasons.words import Narrator

TYPICAL = "constants/typical.json"
ORDERS, RECENCY, USUAL = "order_count", "recency_days", "gap_mean_days"
"""Features that the texts of other features mention."""

NAN = float("nan")


class Reason(BaseModel):
    """The effect of a group of features on a score."""

    feature: str = Field(
        description="the group's feature with the largest effect in the group's direction", examples=["overdue_ratio"]
    )
    group: str = Field(
        description="features that measure the same thing; their effects are added", examples=["recency"]
    )
    value: float | None = Field(
        description="the customer's value of `feature`, in its own unit (docs/features.md); null when unknown",
        examples=[4.0],
    )
    effect: float = Field(
        description="what the group adds to the answer, in the answer's unit; can be negative", examples=[0.18]
    )
    text: str = Field(
        description="the value in words, beside the usual for this customer or the typical for all",
        examples=["no order for 120 days, usually every 30"],
    )


@dataclass(frozen=True, eq=False)
class Reasons(Sequence["CustomerReasons"]):
    """The k largest reasons of each of n customers, as columns, which batch writes; an item is one customer's.

    `features`, `values`, `effects` and `texts` have shape (n, k), `base` and `rest` (n,). `features` are indices into
    `names`; unknown `values` are NaN. `base` is the answer for a customer of whom nothing is known, `rest` the effect
    of all other groups: `base`, a customer's effects and `rest` add up to the answer. Numbers have six decimals.
    """

    names: tuple[str, ...]
    features: npt.NDArray[np.int64]
    values: FloatArray
    effects: FloatArray
    texts: npt.NDArray[np.object_]
    base: FloatArray
    rest: FloatArray

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.features)

    @overload
    def __getitem__(self, row: int) -> "CustomerReasons": ...

    @overload
    def __getitem__(self, row: slice) -> list["CustomerReasons"]: ...

    def __getitem__(self, row: int | slice) -> "CustomerReasons | list[CustomerReasons]":
        """Return one customer's reasons, largest first."""
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        columns = (self.features, self.values, self.effects, self.texts)
        cells = zip(*(column[row].tolist() for column in columns), strict=True)
        return CustomerReasons(
            (
                Reason(
                    feature=self.names[place],
                    group=group_of(self.names[place]),
                    value=None if isnan(value) else value,
                    effect=effect,
                    text=text,
                )
                for place, value, effect, text in cells
            ),
            float(self.base[row]),
            float(self.rest[row]),
        )


class CustomerReasons(list[Reason]):
    """A customer's largest reasons; `base`, their effects and `rest` add up to the answer."""

    def __init__(self, top: Iterable[Reason], base: float, rest: float) -> None:
        super().__init__(top)
        self.base, self.rest = base, rest


class Explainer:
    """Selects the largest reasons and puts them into words."""

    def __init__(self, typical: Mapping[str, float], minor_units: int) -> None:
        self._narrator = Narrator(typical, minor_units)

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> Self:
        """Read the medians and the currency's decimals of a bundle."""
        return cls(bundle.json(TYPICAL), bundle.manifest.minor_units)

    def top(self, columns: Mapping[str, FloatArray], effects: Effects, count: int) -> Reasons:
        """Return each customer's `count` groups with the largest effects, largest first.

        `columns` holds the n customers' values by feature; the value of a name that is not in it is unknown.
        """
        total, headline = by_group(effects)
        order = np.argsort(-np.abs(total), axis=1, kind="stable")
        largest = order[:, :count]
        chosen = np.take_along_axis(headline, largest, axis=1)
        rest = np.zeros(len(total))
        for groups in order[:, count:].T:  # added in order, so that a customer alone gets the same bits
            rest += np.take_along_axis(total, groups[:, None], axis=1)[:, 0]
        values, texts = self._describe(columns, effects.names, chosen)
        sizes = np.take_along_axis(total, largest, axis=1)
        values, sizes, base, rest = (numbers.round(6) for numbers in (values, sizes, effects.base, rest))
        return Reasons(effects.names, chosen, values, sizes, texts, base, rest)

    def _describe(
        self, columns: Mapping[str, FloatArray], names: Sequence[str], chosen: npt.NDArray[np.int64]
    ) -> tuple[FloatArray, npt.NDArray[np.object_]]:
        """Return the values of the chosen features and their texts, both of shape (n, k)."""
        unknown = np.full(len(chosen), NAN)
        values = np.full(chosen.shape, NAN)
        texts = np.empty(chosen.shape, dtype=object)
        usual = columns.get(USUAL, unknown)
        for place in np.unique(chosen).tolist():
            rows, ranks = np.nonzero(chosen == place)
            value = columns.get(names[place], unknown)[rows]
            described = self._narrator.texts(names[place], value, usual[rows])
            if group_of(names[place]) == PURCHASE_HISTORY:
                past = (columns.get(name, unknown)[rows] for name in (ORDERS, RECENCY, USUAL))
                described = self._narrator.histories(*past) + np.where(np.isnan(value), "", ": " + described)
            values[rows, ranks] = value
            texts[rows, ranks] = described
        return values, texts


def by_group(effects: Effects) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return the groups' summed effects and their headline features, both of shape (n, groups).

    Groups are in the order of their first feature. A headline is the index in `effects.names` of the feature with the
    largest effect in the group's direction.
    """
    places = columns_by_group(effects.names)
    total = np.zeros((len(effects.base), len(places)))
    headline = np.zeros(total.shape, dtype=np.int64)
    for index, columns in enumerate(places.values()):
        for column in columns:  # added in order, so that a customer alone gets the same bits
            total[:, index] += effects.values[:, column]
        toward = effects.values[:, columns] * np.where(total[:, index] < 0, -1.0, 1.0)[:, None]
        headline[:, index] = np.array(columns)[toward.argmax(axis=1)]
    return total, headline
