"""How well a score ranks customers by what a treatment adds: Qini curve and coefficient, uplift by tenth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.arrays import FloatArray

Flags = npt.NDArray[np.bool_]
TENTHS = 10


def qini_curve(outcome: FloatArray, score: FloatArray, treated: Flags) -> tuple[FloatArray, FloatArray]:
    """Return customers taken and extra outcomes won among them, the best scores first (Radcliffe 2007).

    The extra outcomes are those of the treated less those of the controls, scaled to as many; equal scores are one
    point of the curve.
    """
    order = np.argsort(-score, kind="stable")
    outcome, score, treated = outcome[order], score[order], treated[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    treated_sum = np.cumsum(np.where(treated, outcome, 0.0))[ends]
    control_sum = np.cumsum(np.where(treated, 0.0, outcome))[ends]
    treated_count = np.cumsum(treated)[ends]
    control_count = ends + 1 - treated_count
    ratio = np.divide(treated_count, control_count, out=np.zeros(len(ends)), where=control_count > 0)
    return np.append(0.0, ends + 1.0), np.append(0.0, treated_sum - control_sum * ratio)


def qini_auc(outcome: FloatArray, score: FloatArray, treated: Flags) -> float:
    """Return the area between a score's Qini curve and a random one's, over that of a perfect score.

    As scikit-uplift 0.5 defines qini_auc_score: the perfect score is outcome where treated, less outcome where not,
    which counts negative effects too. `outcome` is 0 or 1.
    """
    perfect = qini_curve(outcome, np.where(treated, outcome, -outcome), treated)
    chance = float(perfect[0][-1] * perfect[1][-1] / 2)
    best = float(np.trapezoid(perfect[1], perfect[0])) - chance
    own = qini_curve(outcome, score, treated)
    return (float(np.trapezoid(own[1], own[0])) - chance) / best if best else 0.0


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers by score: mean prediction, the arms' difference and its 95 % interval."""

    predicted: float
    measured: float
    low: float
    high: float
    customers: int


def by_tenth(outcome: FloatArray, score: FloatArray, treated: Flags) -> list[Tenth]:
    """Return uplift by tenth of the score, the best first; a tenth without both arms is left out (Welch's interval)."""
    found = []
    for rows in np.array_split(np.argsort(-score, kind="stable"), TENTHS):
        here, there = outcome[rows][treated[rows]], outcome[rows][~treated[rows]]
        if min(len(here), len(there)) < 2:  # noqa: PLR2004 - a variance needs two
            continue
        low, high = interval_of_difference(here, there)
        found.append(Tenth(float(score[rows].mean()), float(here.mean() - there.mean()), low, high, len(rows)))
    return found


def interval_of_difference(one: FloatArray, other: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """Return Welch's interval of the difference of two means; the difference itself where nothing varies."""
    if one.std() == 0 and other.std() == 0:
        difference = float(one.mean() - other.mean())
        return difference, difference
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(level)
    return float(interval.low), float(interval.high)
