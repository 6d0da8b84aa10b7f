"""The 80 % interval: its upper level, and its coverage."""

import numpy as np
import pytest

from regulars.arrays import FloatArray
from regulars_training.models import interval

RNG = np.random.default_rng(4)


class Known:
    """A forecast with a known truth: no order with each customer's own probability, else a log-normal value."""

    def __init__(self, no_order: FloatArray, upper: float) -> None:
        self.no_order, self.upper = no_order, upper

    def quantile(self, level: float) -> FloatArray:  # noqa: D102 - as Forecast has it
        from scipy.special import ndtri  # noqa: PLC0415 - the truth of this test only

        above = (level - self.no_order) / (1 - self.no_order)
        value = np.exp(5 + ndtri(np.clip(above, 1e-9, 1 - 1e-9)))
        return np.asarray(np.where(above > 0, value, 0.0))

    @property
    def interval(self) -> tuple[FloatArray, FloatArray]:  # noqa: D102 - as Forecast has it
        return self.quantile(0.1), self.quantile(self.upper)


def sampled(no_order: FloatArray) -> FloatArray:
    value = np.rint(np.exp(5 + RNG.normal(size=len(no_order))))
    return np.asarray(np.where(RNG.random(len(no_order)) < no_order, 0.0, value))


@pytest.mark.parametrize(("a", "b"), [(1, 1), (0.3, 0.3), (1, 9), (3, 2)])
def test_the_interval_covers_four_fifths(a: float, b: float) -> None:
    """With few, many, half or no customers who will not order."""
    no_order = np.clip(RNG.beta(a, b, 40_000), 1e-6, 1 - 1e-6)
    forecast = Known(no_order, interval.upper_level(no_order))
    assert interval.coverage(sampled(no_order), forecast) == pytest.approx(0.8, abs=0.01)  # type: ignore[arg-type] # same methods


def test_when_nearly_all_churn_the_upper_level_is_one_half() -> None:
    assert interval.upper_level(np.full(100, 0.95)) == 0.5
    assert interval.upper_level(np.full(100, 0.0)) == pytest.approx(0.9, abs=1e-6)


def test_a_correction_is_half_of_the_held_out_one() -> None:
    """Values with twice the predicted spread need a higher upper level; narrower ones a lower level."""
    no_order = np.clip(RNG.beta(1, 1, 20_000), 1e-6, 1 - 1e-6)
    forecast = Known(no_order, interval.upper_level(no_order))
    value = sampled(no_order)
    wide = np.where(value > 0, np.rint(np.exp(5 + 2 * (np.log(np.maximum(value, 1)) - 5))), 0.0)
    narrow = np.where(value > 0, np.rint(np.exp(5 + 0.5 * (np.log(np.maximum(value, 1)) - 5))), 0.0)
    assert abs(interval.correction(value, forecast)) < 0.05  # type: ignore[arg-type] # same methods
    assert interval.correction(wide, forecast) > 0.1  # type: ignore[arg-type] # same methods
    assert interval.correction(narrow, forecast) < -0.1  # type: ignore[arg-type] # same methods
