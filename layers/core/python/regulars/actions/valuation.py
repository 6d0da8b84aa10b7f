"""Value all offers of a catalogue: the step from offers and effects to profits. Plans and recommendations share it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from regulars.actions.catalogue import Catalogue
from regulars.actions.effects.effect import Columns, Effect, EffectSource
from regulars.actions.offers import Offers
from regulars.actions.value import Worth, gains, worth
from regulars.actions.words import reasons
from regulars.arrays import FloatArray

NOISE = 1e-6
"""A millionth of a minor unit: the error of adding doubles."""


@dataclass(frozen=True)
class ValuedAction:
    """One action valued for n customers.

    `break_even` is the effect at which the action pays its cost, as users write it; None where no effect does.
    """

    effect: Effect
    worth: Worth
    break_even: list[float | None]
    reasons: list[str]


@dataclass(frozen=True)
class Valuation:
    """A catalogue with the effects of its actions; `margin` is the share of revenue that remains."""

    catalogue: Catalogue
    sources: Mapping[str, EffectSource]
    margin: float

    @property
    def scale(self) -> float:
        """Minor units of one unit of currency."""
        return 10.0**self.catalogue.plan.minor_units

    def effect(self, action: int, columns: Columns) -> Effect:
        """Return the effect of an action, by its place in the catalogue, on each customer."""
        return self.sources[self.catalogue.actions[action]].of(columns, len(columns["customer_id"]))

    def gains(self, columns: Columns) -> FloatArray:
        """Return the expected extra margin in minor units, shape (actions, customers)."""
        gain = np.empty((len(self.catalogue.action), len(columns["customer_id"])))
        for at in range(len(gain)):
            gain[at] = gains(columns, self.effect(at, columns), self.margin, self.scale)
        return gain

    def profits(self, gain: FloatArray, offers: Offers) -> FloatArray:
        """Return gain less cost, shape (actions, customers).

        It is 0 where the customer is not eligible, or the profit is below 0 or below the minimum return on the cost.
        """
        profit, least = gain - offers.cost, self.catalogue.plan.min_return * offers.cost
        return np.where(offers.eligible & (profit > NOISE) & (profit >= least - NOISE), profit, 0.0)

    def valued(self, action: int, columns: Columns, cost: FloatArray) -> ValuedAction:
        """Return an action's worth for each customer, with intervals and reasons; `cost` in minor units, shape (n,)."""
        effect = self.effect(action, columns)
        value = worth(columns, effect, cost, self.margin, self.scale)
        break_even = [effect.in_currency(change, self.scale) for change in value.break_even.tolist()]
        return ValuedAction(effect, value, break_even, reasons(columns, effect, value, self.scale))
