"""How well a score ranks customers by uplift: Qini curve and coefficient, uplift by tenth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.arrays import FloatArray

Flags = npt.NDArray[np.bool_]
TENTHS = 10


def qini_curve(outcome: FloatArray, score: FloatArray, treated: Flags) -> tuple[FloatArray, FloatArray]:
    """Return the number of customers and their extra outcomes, best scores first (Radcliffe 2007).

    Extra outcomes are those of the treated minus those of the controls, scaled to the number of treated. Customers with
    equal scores are one point of the curve.
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
    """Return the area between the Qini curves of a score and of chance, over the same area of a perfect score.

    Defined like qini_auc_score of scikit-uplift 0.5: the perfect score is the outcome for treated and minus the outcome
    for controls, so negative effects count too. `outcome` is 0 or 1.
    """
    perfect = qini_curve(outcome, np.where(treated, outcome, -outcome), treated)
    chance = float(perfect[0][-1] * perfect[1][-1] / 2)
    best = float(np.trapezoid(perfect[1], perfect[0])) - chance
    curve = qini_curve(outcome, score, treated)
    return (float(np.trapezoid(curve[1], curve[0])) - chance) / best if best else 0.0


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers by score: mean prediction, the arms' difference and its 95 % interval."""

    predicted: float
    measured: float
    low: float
    high: float
    customers: int


def by_tenth(outcome: FloatArray, score: FloatArray, treated: Flags) -> list[Tenth]:
    """Return uplift by tenth of the score, best first, with Welch's interval; tenths without both arms are left out."""
    tenths = []
    for rows in np.array_split(np.argsort(-score, kind="stable"), TENTHS):
        arm, control = outcome[rows][treated[rows]], outcome[rows][~treated[rows]]
        if min(len(arm), len(control)) < 2:  # noqa: PLR2004 - a variance needs two
            continue
        low, high = interval_of_difference(arm, control)
        tenths.append(Tenth(float(score[rows].mean()), float(arm.mean() - control.mean()), low, high, len(rows)))
    return tenths


def interval_of_difference(arm: FloatArray, control: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """Return Welch's interval of the difference of two means; the difference itself where nothing varies."""
    if arm.std() == 0 and control.std() == 0:
        difference = float(arm.mean() - control.mean())
        return difference, difference
    interval = stats.ttest_ind(arm, control, equal_var=False).confidence_interval(level)
    return float(interval.low), float(interval.high)
