"""Learnt effects: what an action adds to each customer's revenue, from trees fitted on experiments with a control arm.

The trees rank customers; a line through held-out differences says what a rank is worth, and how sure that is (the best
linear predictor of Chernozhukov, Demirer, Duflo & Fernandez-Val 2018, arXiv 1712.04802). Orders become money by what
the purchase process expects of one order of that customer.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, Field

from regulars.actions.effects import Columns, Effect, Floats
from regulars.bundle import Bundle
from regulars.errors import SourceError
from regulars.features import FeatureTable
from regulars.process import Process, Purchases, spend, with_process
from regulars.trees import TreeModel

NORMAL_80 = 1.2815515655446004
"""Standard errors from the middle to each end of an 80 % interval of a normal law."""

FOLDER = "effects"

PROCESS_READS = ("repeat_days", "last_repeat_days", "customer_age_days", "mean_purchase_day_cents")
"""Features from which the purchase process speaks of a customer."""

ALIVE = "process_alive"
"""The feature that says how likely a customer still is one."""

Form = Literal["average", "alive", "t", "s", "r"]
PARTS: dict[Form, tuple[str, ...]] = {
    "average": (),
    "alive": (),
    "t": ("treated", "control"),
    "s": ("both",),
    "r": ("difference",),
}
"""The tree models of each form.

Average has none: the effect is the same for everyone; nor has alive: it goes with P(alive). For t there is one an arm,
for s one with the arm as its last feature, for r one that gives the difference.
"""


class Calibration(BaseModel):
    """The line from a score to extra orders: average + slope (score - center), and the covariance of both numbers."""

    average: float
    slope: float
    center: float
    variance: tuple[float, float, float] = Field(description="of the average, of both together, of the slope")

    def apply(self, score: Floats) -> tuple[Floats, Floats]:
        """Return extra orders and their standard error for scores, each of shape (n,)."""
        distance = score - self.center
        first, both, second = self.variance
        variance = first + 2 * both * distance + second * distance**2
        return self.average + self.slope * distance, np.sqrt(np.maximum(variance, 0.0))


class ActionConstants(BaseModel):
    """What training learnt of one action beside its trees."""

    form: Form
    offset: float = Field(description="added to the trees' score: what they were fitted around")
    calibration: Calibration


class Constants(BaseModel):
    """What all actions share."""

    actions: list[str]
    features: list[str]
    horizon_days: int = Field(ge=1)
    process: Process
    money_level: float = Field(gt=0, description="revenue over what the process expects of as many orders")


class LearntEffect:
    """The effect of one action, an EffectSource: extra revenue in minor units over the horizon, absolute."""

    def __init__(self, bundle: Bundle, constants: Constants, place: int) -> None:
        self._constants = constants
        self._own = ActionConstants.model_validate(bundle.json(f"{FOLDER}/{place}/constants.json"))
        self._trees = [TreeModel(bundle, f"{FOLDER}/{place}/{part}") for part in PARTS[self._own.form]]

    def of(self, columns: Columns, rows: int) -> Effect:
        """Return each customer's expected extra revenue with its 80 % interval; SourceError names what is missing."""
        table = self._table(columns, rows)
        orders, error = self._own.calibration.apply(self.score(table.matrix(self._constants.features)))
        each = spend(self._constants.process, Purchases.of(table)) * self._constants.money_level
        width = NORMAL_80 * error
        return Effect("value", "absolute", (orders - width) * each, orders * each, (orders + width) * each)

    def score(self, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Floats:
        """Return what the trees say the action adds to the orders, shape (customers,), before the line."""
        if self._own.form == "alive":
            return rows[:, self._constants.features.index(ALIVE)].astype(np.float64)
        if not self._trees:
            return np.full(len(rows), self._own.offset)
        if self._own.form == "s":
            arms = [np.concatenate([rows, np.full((len(rows), 1), arm, np.float32)], axis=1) for arm in (1, 0)]
            sums = [self._trees[0].margins(self._trees[0].leaves(arm)) for arm in arms]
        else:
            sums = [each.margins(each.leaves(rows)) for each in self._trees]
        difference: Floats = sums[0] - sums[1] if len(sums) > 1 else sums[0]
        return difference + self._own.offset

    def _table(self, columns: Columns, rows: int) -> FeatureTable:
        """Take the features out of the columns and add what the process says."""
        constants = self._constants
        own = [name for name in constants.features if not name.startswith("process_")]
        needed = list(dict.fromkeys((*PROCESS_READS, *own)))
        missing = [name for name in needed if name not in columns]
        if missing:
            raise SourceError(
                f"learnt effects need the feature {missing[0]} ({len(missing)} of {len(needed)} are missing); bring "
                'the customers\' features beside their scores, as "regulars features" writes them'
            )
        found = {name: np.ma.filled(np.ma.asarray(columns[name], dtype=np.float64), np.nan) for name in needed}
        table = FeatureTable(np.empty(rows, dtype=object), found)
        return with_process(table, constants.process, constants.horizon_days, constants.horizon_days)


class Uplift(Mapping[str, LearntEffect]):
    """A folder of learnt effects, made by `regulars uplift`: from an action's name in the treatments to its effect.

    Every file is verified by its hash before use.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a folder; BundleError when it is absent, changed, or a bundle of something else."""
        opened = cls(Bundle(folder))
        opened.constants  # noqa: B018 - what is wrong with a folder shows when it is opened
        return opened

    @cached_property
    def constants(self) -> Constants:
        """What all actions share."""
        return Constants.model_validate(self.bundle.json(f"{FOLDER}/constants.json"))

    def __getitem__(self, action: str) -> LearntEffect:
        """Return the effect of one action; KeyError when nothing was learnt of it."""
        if action not in self.constants.actions:
            raise KeyError(action)
        return LearntEffect(self.bundle, self.constants, self.constants.actions.index(action))

    def __iter__(self) -> Iterator[str]:
        return iter(self.constants.actions)

    def __len__(self) -> int:
        return len(self.constants.actions)
