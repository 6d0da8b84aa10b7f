"""The lift of one action: the stratified difference of the arms, plain and adjusted for past orders and revenue."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.arrays import FloatArray

Flags = npt.NDArray[np.bool_]
LEVEL = 0.95


@dataclass(frozen=True)
class Lift:
    """The mean effect on a treated customer, its standard error, and its 95 % interval."""

    mean: float
    error: float
    low: float
    high: float

    @classmethod
    def of(cls, mean: float, error: float, degrees_of_freedom: float) -> "Lift":
        """Return the lift with an interval of Student's t distribution."""
        width = float(stats.t.ppf((1 + LEVEL) / 2, max(degrees_of_freedom, 1.0))) * error
        return cls(mean, error, mean - width, mean + width)

    def times(self, factor: float, less: float = 0.0) -> "Lift":
        """Return the lift times `factor`, minus a fixed amount."""
        ends = sorted((self.low * factor - less, self.high * factor - less))
        return Lift(self.mean * factor - less, self.error * abs(factor), ends[0], ends[1])


def stratified(outcome: FloatArray, treated: Flags, strata: npt.NDArray[np.int64]) -> Lift | None:
    """Return the difference of the arms' means by stratum, averaged by the number of treated customers.

    It estimates the effect on the treated (Imbens & Rubin 2015, Causal Inference, ch. 9). A stratum with fewer than two
    customers in an arm is left out; None when none remains.
    """
    parts = []
    for stratum in np.unique(strata):
        here = strata == stratum
        first, second = outcome[here & treated], outcome[here & ~treated]
        if min(len(first), len(second)) >= 2:  # noqa: PLR2004 - a variance needs two
            variances = (first.var(ddof=1) / len(first), second.var(ddof=1) / len(second))
            parts.append((len(first), first.mean() - second.mean(), *variances, len(second)))
    if not parts:
        return None
    count, difference, variance, control_variance, control_count = np.array(parts, dtype=np.float64).T
    weight = count / count.sum()
    terms = np.stack([weight**2 * variance, weight**2 * control_variance])
    total = float(terms.sum())
    # Degrees of freedom of a sum of independent variances, by Welch and Satterthwaite.
    spread = float((terms[0] ** 2 / (count - 1) + terms[1] ** 2 / (control_count - 1)).sum())
    return Lift.of(float(weight @ difference), float(np.sqrt(total)), total**2 / spread if spread > 0 else np.inf)


def adjusted(outcome: FloatArray, treated: Flags, strata: npt.NDArray[np.int64], past: FloatArray) -> Lift | None:
    """Return the stratified lift of the outcome minus the part that `past`, of shape (n, k), explains.

    Regression on the centred past, fitted by arm (Lin 2013, Annals of Applied Statistics 7(1)). With the outcome of an
    earlier period as the past this is CUPED (Deng, Xu, Kohavi & Walker 2013).
    """
    kept = past[:, past.std(axis=0) > 0]
    explained = np.zeros(len(outcome))
    smaller = min(int(treated.sum()), int((~treated).sum()))
    if kept.shape[1] and smaller > 10 * kept.shape[1]:
        kept = kept - kept[treated].mean(axis=0)
        share = treated.mean()
        # Each arm's slope is weighted by the size of the other arm: this gives the difference with the least variance.
        slopes = [np.linalg.lstsq(_ones(kept[arm]), outcome[arm], rcond=None)[0][1:] for arm in (treated, ~treated)]
        explained = kept @ ((1 - share) * slopes[0] + share * slopes[1])
    return stratified(outcome - explained, treated, strata)


def _ones(values: FloatArray) -> FloatArray:
    return np.concatenate([np.ones((len(values), 1)), values], axis=1)
