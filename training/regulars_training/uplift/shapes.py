"""Effects by shape: few numbers say how an effect goes with what is known, where an experiment cannot carry trees.

Which shapes there are is theory, which of them hold is learnt: of all actions together, by the likelihood of the
differences between the arms (Bayesian model averaging with equal priors; Hoeting, Madigan, Raftery & Volinsky 1999,
Bayesian Model Averaging: A Tutorial, Statistical Science 14(4)). Each action has a level of its own.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from regulars.actions.uplift import DISCOUNT, SHAPED, Shape, shaped
from regulars.arrays import FloatArray
from regulars_training.uplift.learners import Fitted
from regulars_training.uplift.trial import Trial

DISCOUNTS, QUIETS = (0.0, 1.0, 2.0), (0.0, 0.5, 1.0)
CARRIED = 0.5
"""Standard deviation, before anything is seen, of what comes after the first days as a part of what comes in them."""


class ScoreSlope(NamedTuple):
    """An effect as a multiple of a score: extra orders for each unit of it, and the variance of that number."""

    slope: float
    variance: float

    @property
    def evidence(self) -> float:
        """The square of the slope in standard errors."""
        return self.slope**2 / self.variance if self.variance > 0 else 0.0


def fit_slope(score: FloatArray, trial: Trial, residual: FloatArray | None = None) -> ScoreSlope:
    """Fit residual ~ (treated - share) slope score by weighted least squares, its error robust (HC0)."""
    left = trial.residual if residual is None else residual
    design = (trial.treated - trial.treated.mean()) * score
    total = float(trial.weight @ design**2)
    if total <= 0:
        return ScoreSlope(0.0, 0.0)
    slope = float(trial.weight @ (design * left)) / total
    error = trial.weight * design * (left - design * slope)
    return ScoreSlope(slope, float(error @ error) / total**2)


def learn_shapes(trials: Mapping[str, Trial], names: Sequence[str]) -> tuple[dict[str, FloatArray], Fitted]:
    """Weigh the shapes by all actions; return each action's held-out scores, and the mean shape of all rows."""
    usual = max(float(np.nan_to_num(_mean([one.rows[:, names.index(DISCOUNT)] for one in trials.values()]))), 0.0)
    bare = [Shape(part=1.0, discount=discount, quiet=quiet) for discount in DISCOUNTS for quiet in QUIETS]
    values = {
        name: np.stack([shape.of(shaped(one.rows, names), usual) for shape in bare]) for name, one in trials.items()
    }
    held_out = {name: np.zeros(len(one.rows)) for name, one in trials.items()}
    for number in np.unique(np.concatenate([one.fold for one in trials.values()])):
        kept = {name: one.fold != number for name, one in trials.items()}
        parts = _parts([(values[name][:, kept[name]], one.take(kept[name])) for name, one in trials.items()])
        for name in trials:
            held_out[name][~kept[name]] = parts @ values[name][:, ~kept[name]]
    parts = _parts([(values[name], one) for name, one in trials.items()])
    shapes = tuple(
        shape.model_copy(update={"part": float(part)}) for shape, part in zip(bare, parts, strict=True) if part
    )
    return held_out, Fitted("shapes", {}, 0.0, shapes, usual, tuple(names.index(name) for name in SHAPED))


def later(scores: Mapping[str, FloatArray], soon: Mapping[str, Trial], whole: Mapping[str, Trial]) -> ScoreSlope:
    """Return what comes after the first days, as a part of what comes in them, and its variance: of all actions.

    Few experiments can tell it well; so it starts from none, give or take CARRIED.
    """
    precision, sum_ = 1 / CARRIED**2, 0.0
    for name, score in scores.items():
        first = fit_slope(score, soon[name])
        after = fit_slope(score, soon[name], whole[name].residual - soon[name].residual)
        if after.variance > 0:
            precision += first.slope**2 / after.variance
            sum_ += first.slope * after.slope / after.variance
    return ScoreSlope(max(sum_ / precision, 0.0), 1 / precision)


def _mean(parts: Sequence[np.ndarray[tuple[int], np.dtype[np.float32]]]) -> float:
    stacked = np.concatenate(parts).astype(np.float64)
    return float(stacked[np.isfinite(stacked)].mean()) if np.isfinite(stacked).any() else 0.0


def _parts(cases: Sequence[tuple[FloatArray, Trial]]) -> FloatArray:
    """Return each shape's part: its weight by likelihood, times its mean level over actions; below 1 % it is none."""
    levels = [[fit_slope(value, trial) for value in values] for values, trial in cases]
    evidence = np.array([[one.evidence for one in of_action] for of_action in levels]).sum(axis=0)
    weight = np.exp((evidence - evidence.max()) / 2)
    weight = np.where(weight / weight.sum() < 0.01, 0.0, weight)  # noqa: PLR2004 - said above
    sure = np.array([[1 / one.variance if one.variance > 0 else 0.0 for one in each] for each in levels])
    mean = (sure * [[one.slope for one in each] for each in levels]).sum(axis=0) / np.maximum(sure.sum(axis=0), 1e-12)
    found: FloatArray = weight / weight.sum() * np.abs(mean)
    return found if found.sum() > 0 else np.eye(len(found), dtype=np.float64)[0]
