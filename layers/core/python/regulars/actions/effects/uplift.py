"""Learnt effects: what an action adds to each customer's revenue, from experiments with a control arm.

Shapes or trees give each customer a score. A line turns the score into extra orders with a standard error: the best
linear predictor of Chernozhukov, Demirer, Duflo & Fernandez-Val 2018, arXiv 1712.04802. The purchase process turns
extra orders into money, by the expected value of one order of that customer.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, Field

from regulars.actions.effects.effect import Columns, Effect
from regulars.actions.effects.shapes import Shape, mean_shape, shaped
from regulars.arrays import FloatArray
from regulars.errors import SourceError
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.process_forecasts import with_process
from regulars.models.purchase_process import Process, Purchases, expected_spend
from regulars.models.trees import TreeModel

NORMAL_80 = 1.2815515655446004
"""Standard errors from the mean to each end of an 80 % interval of a normal distribution."""

FOLDER = "effects"

PROCESS_READS = ("repeat_days", "last_repeat_days", "customer_age_days", "mean_purchase_day_cents")
"""Features that the purchase process reads."""

Form = Literal["average", "shapes", "t", "s", "r"]
PARTS: dict[Form, tuple[str, ...]] = {
    "average": (),
    "shapes": (),
    "t": ("treated", "control"),
    "s": ("both",),
    "r": ("difference",),
}
"""The tree models of each form of effect.

- average: none; the effect is the same for every customer
- shapes: none; see `shapes.py`
- t: one for each arm
- s: one, with the arm as its last feature
- r: one for the difference of the arms
"""


class Calibration(BaseModel):
    """The line from a score to extra orders, average + slope (score - center), with the covariance of both numbers."""

    average: float
    slope: float
    center: float
    variance: tuple[float, float, float] = Field(description="of the average, covariance, of the slope")

    def apply(self, score: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return extra orders and their standard error for scores, each of shape (n,)."""
        distance = score - self.center
        of_average, covariance, of_slope = self.variance
        variance = of_average + 2 * covariance * distance + of_slope * distance**2
        return self.average + self.slope * distance, np.sqrt(np.maximum(variance, 0.0))


class ActionConstants(BaseModel):
    """What training learnt of one action, apart from its trees."""

    form: Form
    offset: float = Field(description="added to the trees' score; they were fitted around it")
    calibration: Calibration
    shapes: list[Shape] = []
    usual_discount: float = Field(default=0.0, ge=0)


class Constants(BaseModel):
    """What all learnt effects share."""

    actions: list[str]
    features: list[str]
    horizon_days: int = Field(ge=1)
    process: Process
    money_level: float = Field(gt=0, description="actual revenue over the process's expectation for the same orders")


class LearntEffect:
    """The learnt effect of one action, an EffectSource: absolute extra revenue over the horizon, in minor units."""

    def __init__(self, bundle: Bundle, constants: Constants, number: int) -> None:
        self._constants = constants
        self.horizon_days = constants.horizon_days
        self._own = ActionConstants.model_validate(bundle.json(f"{FOLDER}/{number}/constants.json"))
        self._trees = [TreeModel(bundle, f"{FOLDER}/{number}/{part}") for part in PARTS[self._own.form]]

    def of(self, columns: Columns, rows: int) -> Effect:
        """Return each customer's expected extra revenue with its 80 % interval. SourceError: a feature is missing."""
        table = self._table(columns, rows)
        orders, error = self._own.calibration.apply(self.score(table.matrix(self._constants.features)))
        order_value = expected_spend(self._constants.process, Purchases.from_table(table)) * self._constants.money_level
        width = NORMAL_80 * error
        ends = ((orders - width) * order_value, orders * order_value, (orders + width) * order_value)
        return Effect("value", "absolute", *ends)

    def score(self, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> FloatArray:
        """Return the score of shapes or trees, in extra orders before the line; shape (customers,)."""
        if self._own.form == "shapes":
            return mean_shape(self._own.shapes, shaped(rows, self._constants.features), self._own.usual_discount)
        if not self._trees:
            return np.full(len(rows), self._own.offset)
        if self._own.form == "s":
            arms = [np.concatenate([rows, np.full((len(rows), 1), arm, np.float32)], axis=1) for arm in (1, 0)]
            sums = [self._trees[0].margins(self._trees[0].leaves(arm)) for arm in arms]
        else:
            sums = [model.margins(model.leaves(rows)) for model in self._trees]
        difference: FloatArray = sums[0] - sums[1] if len(sums) > 1 else sums[0]
        return difference + self._own.offset

    def _table(self, columns: Columns, rows: int) -> FeatureTable:
        """Return the features of `columns`, with the forecasts of the purchase process."""
        constants = self._constants
        own = [name for name in constants.features if not name.startswith("process_")]
        needed = list(dict.fromkeys((*PROCESS_READS, *own)))
        missing = [name for name in needed if name not in columns]
        if missing:
            raise SourceError(
                f"learnt effects need the feature {missing[0]} ({len(missing)} of {len(needed)} are missing); make the "
                'customers\' features with "regulars features" and give them with --features'
            )
        features = {name: np.ma.filled(np.ma.asarray(columns[name], dtype=np.float64), np.nan) for name in needed}
        table = FeatureTable(np.empty(rows, dtype=object), features)
        return with_process(table, constants.process, constants.horizon_days, constants.horizon_days)


class Uplift(Mapping[str, LearntEffect]):
    """A folder of learnt effects, written by `regulars uplift`: a mapping from the action's name to its effect.

    Every file is verified by its hash before use.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a folder. BundleError: it is absent, changed, or no folder of learnt effects."""
        opened = cls(Bundle(folder))
        opened.constants  # noqa: B018 - reads and checks the folder now
        return opened

    @cached_property
    def constants(self) -> Constants:
        """What all learnt effects share."""
        return Constants.model_validate(self.bundle.json(f"{FOLDER}/constants.json"))

    def __getitem__(self, action: str) -> LearntEffect:
        """Return the effect of one action. KeyError: no effect of it was learnt."""
        if action not in self.constants.actions:
            raise KeyError(action)
        return LearntEffect(self.bundle, self.constants, self.constants.actions.index(action))

    def __iter__(self) -> Iterator[str]:
        return iter(self.constants.actions)

    def __len__(self) -> int:
        return len(self.constants.actions)
