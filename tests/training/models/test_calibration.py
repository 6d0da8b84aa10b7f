"""Calibration of the total: actual over predicted totals of earlier windows, shrunk when they are uncertain."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from regulars_training.data.cutoffs import plan
from regulars_training.data.dataset import Dataset
from regulars_training.models import calibration

AS_OF = datetime(2025, 7, 1, tzinfo=UTC)
PLAN = plan(AS_OF - timedelta(days=800), AS_OF, AS_OF, 90)
SHORT = plan(AS_OF - timedelta(days=300), AS_OF, AS_OF, 90)


def snapshot(moment: datetime, factor: float, customers: int = 4_000) -> pl.DataFrame:
    """Make customers with an expected order of 1,000 cents, who order `factor` times on average."""
    rng = np.random.default_rng(3)
    orders = rng.poisson(factor, customers).astype(np.float64)
    return pl.DataFrame(
        {
            "cutoff": np.full(customers, moment.replace(tzinfo=None), dtype="datetime64[us]"),
            "future_value_cents": 1_000 * orders,
            "future_orders": orders,
            "process_value_cents": np.full(customers, 1_000.0),
            "process_orders": np.ones(customers),
            "process_no_order": np.full(customers, np.exp(-1.0)),
            "horizon_no_order": np.full(customers, np.exp(-1.0)),
        }
    )


def test_the_actual_calibration_matches_the_labels() -> None:
    data = Dataset(snapshot(AS_OF, 1.5), ())
    result = calibration.actual(data)
    assert result.value == pytest.approx(1.5, rel=0.05)
    assert result.orders == pytest.approx(1.5, rel=0.05)
    assert calibration.mean_churn(data, result, np.array([0.9])) == pytest.approx(data.churned.mean(), abs=1e-6)


def test_the_same_window_last_year_is_used_when_known() -> None:
    frames = [snapshot(cutoff, 2.0 if cutoff == PLAN.year_before(AS_OF) else 0.5) for cutoff in PLAN.fit]
    result = calibration.expected(Dataset(pl.concat(frames), ()), PLAN, AS_OF)
    assert result.value == pytest.approx(2.0, rel=0.05)


def test_without_a_year_it_is_the_shrunk_mean_of_cutoffs() -> None:
    """Cutoffs that agree are shrunk little; cutoffs that differ are shrunk much."""
    agree = [snapshot(cutoff, 0.8) for cutoff in SHORT.fit]
    assert calibration.expected(Dataset(pl.concat(agree), ()), SHORT, AS_OF).value == pytest.approx(0.8, rel=0.05)
    factors = (0.3, 2.0, 0.4)
    differ = [snapshot(cutoff, factor) for cutoff, factor in zip(SHORT.fit, factors, strict=False)]
    mean = float(np.exp(np.mean(np.log(factors[: len(differ)]))))
    result = calibration.expected(Dataset(pl.concat(differ), ()), SHORT.without(SHORT.fit[len(differ) :]), AS_OF).value
    assert mean < result < 1


def test_without_sales_there_is_no_correction() -> None:
    frame = snapshot(AS_OF, 1.0).with_columns(future_value_cents=pl.lit(0.0), future_orders=pl.lit(0.0))
    result = calibration.actual(Dataset(frame, ()))
    assert (result.value, result.orders) == (1.0, 1.0)
    assert np.isfinite(result.shift)


def test_mean_churn_is_midway_between_process_and_model() -> None:
    data = Dataset(snapshot(AS_OF, 1.0), ())
    own = np.array([0.6])
    result = calibration.mean_churn(data, calibration.TotalCalibration(), own)
    assert np.exp(-1.0) < result < 0.6
    longer = Dataset(data.frame.with_columns(horizon_no_order=pl.lit(0.2)), ())
    assert calibration.mean_churn(longer, calibration.TotalCalibration(), own) == pytest.approx(0.2)


def test_an_impossible_shift_is_zero() -> None:
    assert calibration.shift_to(np.array([0.2, 0.4]), 0.3) == pytest.approx(0.0, abs=0.05)
    assert calibration.shift_to(np.array([0.2, 0.4]), 0.0) == 0.0
