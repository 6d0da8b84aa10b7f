"""Honest validation of learnt effects: everything is judged on customers that the trees have not seen."""

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from regulars.actions.uplift import Calibration

from training.metrics import FloatArray
from training.uplift.learners import LEARNERS, Fitted, Flags, Learner, Rows, average, residuals

FOLDS = 4
SURE = 1.645
"""Standard errors by which the slope must lie above zero, one-sided 5 %: else effects are not told apart."""


@dataclass(frozen=True)
class Line:
    """Extra orders as a line in the score: coefficients (average, slope), their covariance, the score's centre."""

    average: float
    slope: float
    covariance: npt.NDArray[np.float64]
    center: float

    @property
    def z(self) -> float:
        """The slope in standard errors: above SURE the score tells customers apart."""
        error = float(np.sqrt(self.covariance[1, 1]))
        return self.slope / error if error > 0 else 0.0

    def shrunk(self) -> Calibration:
        """Draw the slope to zero by as much as it is noise: positive-part James-Stein, 1 - (error / slope)^2."""
        keep = max(0.0, 1 - 1 / self.z**2) if self.z > 0 else 0.0
        slope = keep * self.slope
        first, both, second = self.covariance[0, 0], self.covariance[0, 1], self.covariance[1, 1]
        return Calibration(
            average=self.average,
            slope=slope,
            center=self.center,
            variance=(float(first), float(both) * keep, float(second) * keep if keep else 0.0),
        )


def line(score: FloatArray, treated: Flags, residual: FloatArray, weight: FloatArray) -> Line:
    """Fit residual ~ (treated - share) (average + slope (score - center)), standard errors robust (HC0).

    The best linear predictor of Chernozhukov, Demirer, Duflo & Fernandez-Val 2018. Unweighted, so that the average is
    the mean effect over customers; `weight` only steers the centre's use in other forms.
    """
    del weight
    center = float(score.mean())
    centred = treated - treated.mean()
    distance = score - center
    flat = distance.std() < 1e-12  # noqa: PLR2004 - the same score for all
    design = np.stack([centred, centred * distance], axis=1)
    design = design[:, :1] if flat else design
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ (design.T @ residual)
    left = design * (residual - design @ coefficients)[:, None]
    covariance = np.zeros((2, 2))
    covariance[: len(coefficients), : len(coefficients)] = inverse @ (left.T @ left) @ inverse
    return Line(float(coefficients[0]), 0.0 if flat else float(coefficients[1]), covariance, center)


def folds(customer_ids: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """Give each row a fold by its customer's id, so that nobody is learnt from and judged; shape (n,)."""
    return np.array([zlib.crc32(str(one).encode()) % FOLDS for one in customer_ids], dtype=np.int64)


def crossfit(learner: Learner, rows: Rows, treated: Flags, outcome: FloatArray, fold: npt.NDArray[np.int64]) -> FloatArray:
    """Return each row's score by a learner that has not seen its fold."""
    score = np.empty(len(rows))
    for number in np.unique(fold):
        out = fold == number
        score[out] = learner(rows[~out], treated[~out], outcome[~out]).score(rows[out])
    return score


@dataclass(frozen=True)
class Choice:
    """The learner that was chosen, fitted on all rows, with what it scored when the rows were new to it."""

    fitted: Fitted
    line: Line
    score: FloatArray
    tried: dict[str, float]
    """Each learner's slope in standard errors."""

    @property
    def calibration(self) -> Calibration:
        """The shrunk line that serves."""
        return self.line.shrunk()


def choose(rows: Rows, treated: Flags, outcome: FloatArray, fold: npt.NDArray[np.int64]) -> Choice:
    """Choose the learner whose held-out score explains most of the effect, or the average when none is sure to."""
    residual, weight = residuals(rows, outcome)
    found = {}
    for name, learner in LEARNERS.items():
        score = crossfit(learner, rows, treated, outcome, fold)
        found[name] = (score, line(score, treated, residual, weight))
    tried = {name: one.z for name, (_, one) in found.items()}
    best = max(found, key=lambda name: tried[name])
    if tried[best] < SURE:
        flat = average(rows, treated, outcome)
        score = flat.score(rows)
        return Choice(flat, line(score, treated, residual, weight), score, tried)
    score, told = found[best]
    return Choice(LEARNERS[best](rows, treated, outcome), told, score, tried)
