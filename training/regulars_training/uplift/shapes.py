"""Effects by shape: a few numbers relate an effect to features, for experiments too small for trees.

The set of shapes comes from theory. Their weights are learnt from all actions together, by the likelihood of the
differences between the arms (Bayesian model averaging with equal priors; Hoeting, Madigan, Raftery & Volinsky 1999,
Bayesian Model Averaging: A Tutorial, Statistical Science 14(4)). Each action has its own slope on them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from regulars.actions.effects.shapes import DISCOUNT, SHAPED, Shape, shaped
from regulars.arrays import FloatArray
from regulars_training.uplift.learners import Fitted
from regulars_training.uplift.trial import Trial

DISCOUNTS, QUIETS = (0.0, 1.0, 2.0), (0.0, 0.5, 1.0)
CARRIED = 0.5
"""Prior standard deviation of the effect after the first days, as a share of the effect in them."""


class ScoreSlope(NamedTuple):
    """An effect as a multiple of a score: extra orders a unit of score, and the variance of this slope."""

    slope: float
    variance: float

    @property
    def evidence(self) -> float:
        """The square of the slope in standard errors."""
        return self.slope**2 / self.variance if self.variance > 0 else 0.0


def fit_slope(score: FloatArray, trial: Trial, residual: FloatArray | None = None) -> ScoreSlope:
    """Fit residual ~ (treated - share) slope score by weighted least squares, its error robust (HC0)."""
    target = trial.residual if residual is None else residual
    design = (trial.treated - trial.treated.mean()) * score
    total = float(trial.weight @ design**2)
    if total <= 0:
        return ScoreSlope(0.0, 0.0)
    slope = float(trial.weight @ (design * target)) / total
    error = trial.weight * design * (target - design * slope)
    return ScoreSlope(slope, float(error @ error) / total**2)


def learn_shapes(trials: Mapping[str, Trial], names: Sequence[str]) -> tuple[dict[str, FloatArray], Fitted]:
    """Learn the shapes' weights from all actions; return each action's held-out scores, and the fitted mean shape."""
    usual = max(float(np.nan_to_num(_mean([trial.rows[:, names.index(DISCOUNT)] for trial in trials.values()]))), 0.0)
    bare = [Shape(part=1.0, discount=discount, quiet=quiet) for discount in DISCOUNTS for quiet in QUIETS]
    values = {
        name: np.stack([shape.of(shaped(trial.rows, names), usual) for shape in bare]) for name, trial in trials.items()
    }
    held_out = {name: np.zeros(len(trial.rows)) for name, trial in trials.items()}
    for number in np.unique(np.concatenate([trial.fold for trial in trials.values()])):
        kept = {name: trial.fold != number for name, trial in trials.items()}
        parts = _parts([(values[name][:, kept[name]], trial.take(kept[name])) for name, trial in trials.items()])
        for name in trials:
            held_out[name][~kept[name]] = parts @ values[name][:, ~kept[name]]
    parts = _parts([(values[name], trial) for name, trial in trials.items()])
    shapes = tuple(
        shape.model_copy(update={"part": float(part)}) for shape, part in zip(bare, parts, strict=True) if part
    )
    return held_out, Fitted("shapes", {}, 0.0, shapes, usual, tuple(names.index(name) for name in SHAPED))


def later_effect(scores: Mapping[str, FloatArray], soon: Mapping[str, Trial], whole: Mapping[str, Trial]) -> ScoreSlope:
    """Return the effect after the first days as a share of the effect in them, for all actions, with its variance.

    Few experiments measure it well. So it has a prior: 0 with standard deviation CARRIED.
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
    """Return each shape's part: its weight by likelihood times its mean slope over actions; weights below 1 % are 0."""
    slopes = [[fit_slope(value, trial) for value in values] for values, trial in cases]
    evidence = np.array([[slope.evidence for slope in of_action] for of_action in slopes]).sum(axis=0)
    weight = np.exp((evidence - evidence.max()) / 2)
    weight = np.where(weight / weight.sum() < 0.01, 0.0, weight)  # noqa: PLR2004 - 1 %, see above
    precision = np.array([[1 / fit.variance if fit.variance > 0 else 0.0 for fit in of_action] for of_action in slopes])
    weighted = precision * [[fit.slope for fit in of_action] for of_action in slopes]
    mean = weighted.sum(axis=0) / np.maximum(precision.sum(axis=0), 1e-12)
    parts: FloatArray = weight / weight.sum() * np.abs(mean)
    return parts if parts.sum() > 0 else np.eye(len(parts), dtype=np.float64)[0]
