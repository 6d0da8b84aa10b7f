"""The 80 % interval: how high its upper end is, and that it holds what it says."""

import numpy as np
import pytest

from regulars.arrays import FloatArray
from regulars_training.models import interval

RNG = np.random.default_rng(4)


class Known:
    """A forecast whose truth is known: no order with a chance of one's own, else a log-normal value."""

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


def drawn(no_order: FloatArray) -> FloatArray:
    value = np.rint(np.exp(5 + RNG.normal(size=len(no_order))))
    return np.asarray(np.where(RNG.random(len(no_order)) < no_order, 0.0, value))


@pytest.mark.parametrize(("a", "b"), [(1, 1), (0.3, 0.3), (1, 9), (3, 2)])
def test_the_interval_holds_four_fifths(a: float, b: float) -> None:
    """Whether few or many may well stay away, half of them surely, or nobody."""
    no_order = np.clip(RNG.beta(a, b, 40_000), 1e-6, 1 - 1e-6)
    forecast = Known(no_order, interval.upper_level(no_order))
    assert interval.coverage(drawn(no_order), forecast) == pytest.approx(0.8, abs=0.01)  # type: ignore[arg-type] # has what is asked


def test_with_nearly_all_gone_the_upper_end_stays_at_the_median() -> None:
    assert interval.upper_level(np.full(100, 0.95)) == 0.5
    assert interval.upper_level(np.full(100, 0.0)) == pytest.approx(0.9, abs=1e-6)


def test_a_correction_goes_half_way_to_what_held_out_time_asks_for() -> None:
    """Values that spread twice as wide as said ask for a higher end; narrower ones for a lower one."""
    no_order = np.clip(RNG.beta(1, 1, 20_000), 1e-6, 1 - 1e-6)
    forecast = Known(no_order, interval.upper_level(no_order))
    value = drawn(no_order)
    wide = np.where(value > 0, np.rint(np.exp(5 + 2 * (np.log(np.maximum(value, 1)) - 5))), 0.0)
    narrow = np.where(value > 0, np.rint(np.exp(5 + 0.5 * (np.log(np.maximum(value, 1)) - 5))), 0.0)
    assert abs(interval.correction(value, forecast)) < 0.05  # type: ignore[arg-type] # has what is asked
    assert interval.correction(wide, forecast) > 0.1  # type: ignore[arg-type] # has what is asked
    assert interval.correction(narrow, forecast) < -0.1  # type: ignore[arg-type] # has what is asked
