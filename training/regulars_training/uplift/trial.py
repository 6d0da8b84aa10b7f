"""What learners of one action's effect are given, and judged on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.arrays import FloatArray
from regulars_training.uplift.learners import Fitted, Flags, Learner, Rows, residuals


@dataclass(frozen=True)
class Trial:
    """Rows to learn from: features (n, features), arm, outcome's residual and weight, fold; n values each."""

    rows: Rows
    treated: Flags
    residual: FloatArray
    weight: FloatArray
    fold: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Rows, treated: Flags, outcome: FloatArray, fold: npt.NDArray[np.int64]) -> "Trial":
        """Work out residuals and weights; a row's own half of the folds is not among what it is predicted from."""
        return cls(rows, treated, *residuals(rows, outcome, fold % 2 == 0), fold)

    def take(self, which: Flags) -> "Trial":
        """Return some rows."""
        return Trial(*(values[which] for values in vars(self).values()))

    def fit(self, learner: Learner) -> Fitted:
        """Fit a learner to all rows."""
        return learner(self.rows, self.treated, self.residual, self.weight)
