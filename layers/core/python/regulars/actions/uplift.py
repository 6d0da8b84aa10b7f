"""Learnt effects: what an action adds to each customer's revenue, from experiments with a control arm.

Shapes or trees rank customers; a line through differences of the arms says what a rank is worth, and how sure that is
(the best linear predictor of Chernozhukov, Demirer, Duflo & Fernandez-Val 2018, arXiv 1712.04802). Orders become money
by what the purchase process expects of one order of that customer.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, Field

from regulars.actions.effects import Columns, Effect, Floats
from regulars.errors import SourceError
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.process_forecasts import with_process
from regulars.models.purchase_process import Process, Purchases, expected_spend
from regulars.models.trees import TreeModel

NORMAL_80 = 1.2815515655446004
"""Standard errors from the middle to each end of an 80 % interval of a normal law."""

FOLDER = "effects"

PROCESS_READS = ("repeat_days", "last_repeat_days", "customer_age_days", "mean_purchase_day_cents")
"""Features from which the purchase process speaks of a customer."""

ALIVE, ORDERS, REPEATS, DISCOUNT = "process_alive", "process_orders", "repeat_days", "discount_share"
SHAPED = (ALIVE, ORDERS, REPEATS, DISCOUNT)
"""Features that shapes look at."""

DISCOUNT_PRIOR = 6.0
"""Days of purchase at the usual discount share that are added to each customer's own: a few orders tell little."""

Form = Literal["average", "shapes", "t", "s", "r"]
PARTS: dict[Form, tuple[str, ...]] = {
    "average": (),
    "shapes": (),
    "t": ("treated", "control"),
    "s": ("both",),
    "r": ("difference",),
}
"""The tree models of each form.

Average has none: the effect is the same for everyone; nor have shapes. For t there is one an arm, for s one with the
arm as its last feature, for r one that gives the difference.
"""


class Shape(BaseModel):
    """One way in which an effect may go with what is known of a customer, and its part in a mean of several.

    P(alive) x 2 d^discount / (1 + d^discount) x exp(-quiet x s), with d the discount share (drawn to the usual one)
    over the usual one, s the orders expected within the horizon of one who is alive. Who has left cannot be moved; who
    buys at a discount may be; who would order anyway has little to add.
    """

    part: float
    discount: float = Field(ge=0)
    quiet: float = Field(ge=0)

    def of(self, columns: Columns, usual: float) -> Floats:
        """Return the shape's value for each customer, shape (n,)."""
        alive, count = columns[ALIVE].astype(np.float64), columns[REPEATS].astype(np.float64) + 1.0
        value = alive * np.exp(-self.quiet * columns[ORDERS] / np.maximum(alive, 1e-3))
        if self.discount and usual > 0:
            share = np.nan_to_num(columns[DISCOUNT].astype(np.float64), nan=usual)
            ratio = np.maximum((count * share / usual + DISCOUNT_PRIOR) / (count + DISCOUNT_PRIOR), 0.0)
            value = value * 2 * ratio**self.discount / (1 + ratio**self.discount)
        return value


def shaped(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]], names: Sequence[str]) -> dict[str, Floats]:
    """Take the columns that shapes look at out of features (n, features)."""
    return {name: rows[:, names.index(name)].astype(np.float64) for name in SHAPED}


def mean_shape(shapes: Sequence[Shape], columns: Columns, usual: float) -> Floats:
    """Return the sum of the shapes' values by their parts, shape (n,)."""
    total: Floats = np.sum([shape.part * shape.of(columns, usual) for shape in shapes], axis=0, dtype=np.float64)
    return total


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
    shapes: list[Shape] = []
    usual_discount: float = Field(default=0.0, ge=0)


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
        self.horizon_days = constants.horizon_days
        self._own = ActionConstants.model_validate(bundle.json(f"{FOLDER}/{place}/constants.json"))
        self._trees = [TreeModel(bundle, f"{FOLDER}/{place}/{part}") for part in PARTS[self._own.form]]

    def of(self, columns: Columns, rows: int) -> Effect:
        """Return each customer's expected extra revenue with its 80 % interval; SourceError names what is missing."""
        table = self._table(columns, rows)
        orders, error = self._own.calibration.apply(self.score(table.matrix(self._constants.features)))
        each = expected_spend(self._constants.process, Purchases.from_table(table)) * self._constants.money_level
        width = NORMAL_80 * error
        return Effect("value", "absolute", (orders - width) * each, orders * each, (orders + width) * each)

    def score(self, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Floats:
        """Return what shapes or trees say the action adds to the orders, shape (customers,), before the line."""
        if self._own.form == "shapes":
            return mean_shape(self._own.shapes, shaped(rows, self._constants.features), self._own.usual_discount)
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
