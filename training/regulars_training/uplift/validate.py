"""Honest validation of learnt effects: everything is judged on customers that the trees have not seen."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.actions.uplift import Calibration
from regulars.arrays import FloatArray
from regulars_training.uplift.learners import LEARNERS, Fitted, Flags, Learner, average, centred_learner
from regulars_training.uplift.shapes import ScoreSlope, fit_slope
from regulars_training.uplift.trial import Trial

FOLDS = 4
SURE = 1.28
"""Standard errors by which a slope must lie above zero, one-sided 10 %: else effects are not told apart."""
PLAIN, CLEARLY = "s", 1.0
"""The learner that is taken unless another's slope lies this many standard errors further from zero: a tie else."""
AHEAD = 4.0
"""Wald statistic by which trees must explain more than shapes: 2 for one more number (Akaike), 2 to be clear."""
FLAT = 1e-12
"""Scores that spread less are one and the same."""


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

    @property
    def evidence(self) -> float:
        """Wald's statistic of the whole line: how far average and slope lie from none."""
        found = np.array([self.average, self.slope])
        return float(found @ np.linalg.pinv(self.covariance) @ found)

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

    The best linear predictor of Chernozhukov, Demirer, Duflo & Fernandez-Val 2018, arXiv 1712.04802: the average is the
    (weighted) mean effect, the slope 1 where scores are right as they are.
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
    """Give each row a fold by its customer's id, so that nobody is learnt from and judged; shape (n,)."""
    return np.array([zlib.crc32(str(one).encode()) % FOLDS for one in customer_ids], dtype=np.int64)


@dataclass(frozen=True)
class Choice:
    """The learner that was chosen, fitted on all rows, with what it scored when the rows were new to it."""

    name: str
    fitted: Fitted
    line: Line
    score: FloatArray
    tried: dict[str, float]
    """Each learner's slope in standard errors."""

    later: ScoreSlope = ScoreSlope(0.0, 0.0)  # noqa: RUF009 - a NamedTuple cannot change
    """What comes after the days that were learnt from, as a part of what comes in them."""

    @property
    def calibration(self) -> Calibration:
        """The line that serves, over the whole horizon; a slope of trees is shrunk."""
        line = self.line
        own = line.shrunk()
        if self.name == "shapes":
            first, both, second = (float(line.covariance[at]) for at in ((0, 0), (0, 1), (1, 1)))
            own = Calibration(
                average=line.average, slope=line.slope, center=line.center, variance=(first, both, second)
            )
        grown, spread = 1 + self.later.slope, self.later.variance
        squares = (own.average**2, own.average * own.slope, own.slope**2)
        first, both, second = (
            grown**2 * one + spread * square for one, square in zip(own.variance, squares, strict=True)
        )
        return Calibration(
            average=grown * own.average, slope=grown * own.slope, center=own.center, variance=(first, both, second)
        )


def crossfit(learner: Learner, trial: Trial) -> FloatArray:
    """Return each row's score by a learner that has not seen its fold, shape (n,)."""
    score = np.empty(len(trial.rows))
    for number in np.unique(trial.fold):
        out = trial.fold == number
        score[out] = trial.take(~out).fit(learner).score(trial.rows[out])
    return score


def pooled(trials: Mapping[str, Trial]) -> tuple[dict[str, FloatArray], Fitted]:
    """Fit one R-learner to all actions: who responds to anything; each action's line says how much.

    Returns each action's held-out scores, and the learner fitted on all rows.
    """
    parts = list(trials.values())
    rows, residual, weight, fold = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("rows", "residual", "weight", "fold")
    )
    centred = np.concatenate([one.treated - one.treated.mean() for one in parts])
    score = np.empty(len(rows))
    for number in np.unique(fold):
        out = fold == number
        score[out] = centred_learner(rows[~out], centred[~out], residual[~out], weight[~out]).score(rows[out])
    ends = np.cumsum([len(one.rows) for one in parts])[:-1]
    scores = dict(zip(trials, np.split(score, ends), strict=True))
    return scores, centred_learner(rows, centred, residual, weight)


def through_zero(score: FloatArray, trial: Trial, fitted: Fitted) -> Choice:
    """Say that the effect is a multiple of the score: a line through zero, as sure of its slope as of its average."""
    found, center = fit_slope(score, trial), float(score.mean())
    covariance = found.variance * np.array([[center**2, center], [center, 1.0]])
    return Choice("shapes", fitted, Line(found.slope * center, found.slope, covariance, center), score, {})


def choose(
    trial: Trial, shared: tuple[FloatArray, Fitted] | None = None, shapes: tuple[FloatArray, Fitted] | None = None
) -> Choice:
    """Choose the learner whose held-out score explains most of the effect, or the average when none surely does.

    `shared` is the learner of all actions, with its held-out scores of these rows; so are `shapes`, which trees replace
    only where they explain clearly more.
    """
    scores = {name: crossfit(learner, trial) for name, learner in LEARNERS.items()}
    if shared:
        scores["pooled"] = shared[0]
    lines = {name: line(score, trial.treated, trial.residual, trial.weight) for name, score in scores.items()}
    tried = {name: one.z for name, one in lines.items()}
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
