"""The data of one action on which learners of its effect are fitted and evaluated."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.arrays import FloatArray
from regulars_training.uplift.learners import Fitted, Flags, Learner, Rows, residuals


@dataclass(frozen=True)
class Trial:
    """Features (n, features); arm, residual of the outcome, weight and fold, each (n,)."""

    rows: Rows
    treated: Flags
    residual: FloatArray
    weight: FloatArray
    fold: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Rows, treated: Flags, outcome: FloatArray, fold: npt.NDArray[np.int64]) -> "Trial":
        """Compute residuals and weights; each row is predicted from the half of the folds that it is not in."""
        return cls(rows, treated, *residuals(rows, outcome, fold % 2 == 0), fold)

    def take(self, which: Flags) -> "Trial":
        """Return the rows where `which` is true."""
        return Trial(*(values[which] for values in vars(self).values()))

    def fit(self, learner: Learner) -> Fitted:
        """Fit a learner to all rows."""
        return learner(self.rows, self.treated, self.residual, self.weight)
