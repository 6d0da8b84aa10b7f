"""The lift of one action: stratified difference of the arms, and the same adjusted for what was known before."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.arrays import FloatArray

Flags = npt.NDArray[np.bool_]
LEVEL = 0.95


@dataclass(frozen=True)
class Lift:
    """A mean difference a treated customer, its standard error, and its 95 % interval."""

    mean: float
    error: float
    low: float
    high: float

    @classmethod
    def of(cls, mean: float, error: float, freedom: float) -> "Lift":
        """Return the interval by Student's law with that many degrees of freedom."""
        width = float(stats.t.ppf((1 + LEVEL) / 2, max(freedom, 1.0))) * error
        return cls(mean, error, mean - width, mean + width)

    def times(self, factor: float, less: float = 0.0) -> "Lift":
        """Return the lift in another unit, less a fixed amount."""
        ends = sorted((self.low * factor - less, self.high * factor - less))
        return Lift(self.mean * factor - less, self.error * abs(factor), ends[0], ends[1])


def stratified(outcome: FloatArray, treated: Flags, strata: npt.NDArray[np.int64]) -> Lift | None:
    """Return the mean over strata of the arms' difference, weighed by the stratum's treated customers.

    That estimates the effect on the treated (Imbens & Rubin 2015, Causal Inference, ch. 9). A stratum in which an arm
    has fewer than two customers says nothing and is left out; None when all are.
    """
    parts = []
    for stratum in np.unique(strata):
        here = strata == stratum
        one, other = outcome[here & treated], outcome[here & ~treated]
        if min(len(one), len(other)) >= 2:  # noqa: PLR2004 - a variance needs two
            variance = (one.var(ddof=1) / len(one), other.var(ddof=1) / len(other))
            parts.append((len(one), one.mean() - other.mean(), *variance, len(other)))
    if not parts:
        return None
    count, difference, own, control, controls = np.array(parts, dtype=np.float64).T
    weight = count / count.sum()
    terms = np.stack([weight**2 * own, weight**2 * control])
    total = float(terms.sum())
    # Welch & Satterthwaite: so many degrees of freedom has a sum of independent variances.
    spread = float((terms[0] ** 2 / (count - 1) + terms[1] ** 2 / (controls - 1)).sum())
    return Lift.of(float(weight @ difference), float(np.sqrt(total)), total**2 / spread if spread > 0 else np.inf)


def adjusted(outcome: FloatArray, treated: Flags, strata: npt.NDArray[np.int64], before: FloatArray) -> Lift | None:
    """Return the same with each outcome less what the customer's past explains of it; `before` is of shape (n, k).

    Regression with the past centred, fitted by arm (Lin 2013, Annals of Applied Statistics 7(1)); with the same outcome
    in an earlier period as the past this is CUPED (Deng, Xu, Kohavi & Walker 2013).
    """
    kept = before[:, before.std(axis=0) > 0]
    explained = np.zeros(len(outcome))
    smaller = min(int(treated.sum()), int((~treated).sum()))
    if kept.shape[1] and smaller > 10 * kept.shape[1]:
        kept = kept - kept[treated].mean(axis=0)
        share = treated.mean()
        # One slope for both arms, each arm's own weighed by the other's size: the least variance of the difference.
        slopes = [np.linalg.lstsq(_ones(kept[arm]), outcome[arm], rcond=None)[0][1:] for arm in (treated, ~treated)]
        explained = kept @ ((1 - share) * slopes[0] + share * slopes[1])
    return stratified(outcome - explained, treated, strata)


def _ones(values: FloatArray) -> FloatArray:
    return np.concatenate([np.ones((len(values), 1)), values], axis=1)
