"""Validation of learnt effects, always on customers that the trees have not seen."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.actions.effects.uplift import Calibration
from regulars.arrays import FloatArray
from regulars_training.uplift.learners import LEARNERS, Fitted, Flags, Learner, average, centred_learner
from regulars_training.uplift.shapes import ScoreSlope, fit_slope
from regulars_training.uplift.trial import Trial

FOLDS = 4
SURE = 1.28
"""Fewest standard errors of a slope above zero (one-sided 10 %), else all customers get the average effect."""
PLAIN, CLEARLY = "s", 1.0
"""The default learner; another replaces it when its slope has this many standard errors more."""
AHEAD = 4.0
"""Wald statistic that trees need above shapes: 2 for one more parameter (Akaike), 2 as a margin."""
FLAT = 1e-12
"""Scores with a smaller standard deviation count as constant."""


@dataclass(frozen=True)
class Line:
    """Extra orders as a line in the score: coefficients (average, slope), their covariance, the score's centre."""

    average: float
    slope: float
    covariance: npt.NDArray[np.float64]
    center: float

    @property
    def z(self) -> float:
        """The slope in standard errors: above SURE the score separates customers."""
        error = float(np.sqrt(self.covariance[1, 1]))
        return self.slope / error if error > 0 else 0.0

    @property
    def evidence(self) -> float:
        """Wald's statistic of the hypothesis that average and slope are zero."""
        coefficients = np.array([self.average, self.slope])
        return float(coefficients @ np.linalg.pinv(self.covariance) @ coefficients)

    def shrunk(self) -> Calibration:
        """Shrink the slope towards zero: positive-part James-Stein, factor 1 - (error / slope)^2."""
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

    The best linear predictor of Chernozhukov, Demirer, Duflo & Fernandez-Val 2018, arXiv 1712.04802. The average is the
    (weighted) mean effect; the slope is 1 when scores need no correction.
    """
    center = float(np.average(score, weights=weight))
    centred = (treated - treated.mean()) * np.sqrt(weight)
    distance = score - center
    flat = float(distance.std()) < FLAT
    design = np.stack([centred, centred * distance], axis=1)[:, : 1 if flat else 2]
    inverse = np.linalg.inv(design.T @ design)
    target = residual * np.sqrt(weight)
    coefficients = inverse @ (design.T @ target)
    left = design * (target - design @ coefficients)[:, None]
    covariance = np.zeros((2, 2))
    covariance[: len(coefficients), : len(coefficients)] = inverse @ (left.T @ left) @ inverse
    return Line(float(coefficients[0]), 0.0 if flat else float(coefficients[1]), covariance, center)


def folds(customer_ids: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """Return a fold for each row, shape (n,), from a hash of its customer's id: a customer is in one fold only."""
    return np.array([zlib.crc32(str(customer).encode()) % FOLDS for customer in customer_ids], dtype=np.int64)


@dataclass(frozen=True)
class Choice:
    """The chosen learner, fitted on all rows, with its held-out scores."""

    name: str
    fitted: Fitted
    line: Line
    score: FloatArray
    tried: dict[str, float]
    """Slope of each learner, in standard errors."""

    later: ScoreSlope = ScoreSlope(0.0, 0.0)  # noqa: RUF009 - a NamedTuple cannot change
    """Effect after the days learnt from, as a share of the effect in them."""

    @property
    def calibration(self) -> Calibration:
        """The line for serving, over the whole horizon; the slope of trees is shrunk."""
        line = self.line
        calibration = line.shrunk()
        if self.name == "shapes":
            first, both, second = (float(line.covariance[at]) for at in ((0, 0), (0, 1), (1, 1)))
            calibration = Calibration(
                average=line.average, slope=line.slope, center=line.center, variance=(first, both, second)
            )
        grown, spread = 1 + self.later.slope, self.later.variance
        squares = (calibration.average**2, calibration.average * calibration.slope, calibration.slope**2)
        first, both, second = (
            grown**2 * variance + spread * square
            for variance, square in zip(calibration.variance, squares, strict=True)
        )
        return Calibration(
            average=grown * calibration.average,
            slope=grown * calibration.slope,
            center=calibration.center,
            variance=(first, both, second),
        )


def crossfit(learner: Learner, trial: Trial) -> FloatArray:
    """Return each row's score by a learner fitted on the other folds, shape (n,)."""
    score = np.empty(len(trial.rows))
    for number in np.unique(trial.fold):
        out = trial.fold == number
        score[out] = trial.take(~out).fit(learner).score(trial.rows[out])
    return score


def pooled(trials: Mapping[str, Trial]) -> tuple[dict[str, FloatArray], Fitted]:
    """Fit one R-learner to all actions, for who responds to any action; each action's line scales it.

    Returns each action's held-out scores, and the learner fitted on all rows.
    """
    parts = list(trials.values())
    rows, residual, weight, fold = (
        np.concatenate([getattr(trial, name) for trial in parts]) for name in ("rows", "residual", "weight", "fold")
    )
    centred = np.concatenate([trial.treated - trial.treated.mean() for trial in parts])
    score = np.empty(len(rows))
    for number in np.unique(fold):
        out = fold == number
        score[out] = centred_learner(rows[~out], centred[~out], residual[~out], weight[~out]).score(rows[out])
    ends = np.cumsum([len(trial.rows) for trial in parts])[:-1]
    scores = dict(zip(trials, np.split(score, ends), strict=True))
    return scores, centred_learner(rows, centred, residual, weight)


def through_zero(score: FloatArray, trial: Trial, fitted: Fitted) -> Choice:
    """Return the choice of shapes: a line through zero, so average and slope have the same relative error."""
    fit, center = fit_slope(score, trial), float(score.mean())
    covariance = fit.variance * np.array([[center**2, center], [center, 1.0]])
    return Choice("shapes", fitted, Line(fit.slope * center, fit.slope, covariance, center), score, {})


def choose(
    trial: Trial, shared: tuple[FloatArray, Fitted] | None = None, shapes: tuple[FloatArray, Fitted] | None = None
) -> Choice:
    """Return the learner with the best held-out score; the average effect when no score is surely better.

    `shared` holds the held-out scores of these rows and the learner of all actions. `shapes` holds the same for shapes;
    trees replace them only when they explain clearly more.
    """
    scores = {name: crossfit(learner, trial) for name, learner in LEARNERS.items()}
    if shared:
        scores["pooled"] = shared[0]
    lines = {name: line(score, trial.treated, trial.residual, trial.weight) for name, score in scores.items()}
    tried = {name: fit.z for name, fit in lines.items()}
    best = max(tried, key=lambda name: tried[name])
    if tried[best] < tried[PLAIN] + CLEARLY:
        best = PLAIN
    plain = replace(through_zero(shapes[0], trial, shapes[1]), tried=tried) if shapes else None
    if plain:
        tried["shapes"] = plain.line.z
    if tried[best] >= SURE and (not plain or lines[best].evidence > plain.line.z**2 + AHEAD):
        fitted = shared[1] if shared and best == "pooled" else trial.fit(LEARNERS[best])
        return Choice(best, fitted, lines[best], scores[best], tried)
    if plain and plain.line.covariance[1, 1] > 0:
        return plain
    fitted = average(trial.treated, trial.residual, trial.weight)
    score = fitted.score(trial.rows)
    return Choice("average", fitted, line(score, trial.treated, trial.residual, trial.weight), score, tried)
