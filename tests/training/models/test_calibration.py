"""Levels: what earlier windows brought over what the process said, drawn towards none where that is uncertain."""

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
    """Make customers of whom the process expects 1,000 cents and one order, and who bring `factor` of it on average."""
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


def test_the_actual_level_is_that_of_the_labels() -> None:
    data = Dataset(snapshot(AS_OF, 1.5), ())
    found = calibration.actual(data)
    assert found.value == pytest.approx(1.5, rel=0.05)
    assert found.orders == pytest.approx(1.5, rel=0.05)
    assert calibration.mean_churn(data, found, np.array([0.9])) == pytest.approx(data.churned.mean(), abs=1e-6)


def test_the_same_window_last_year_decides_where_it_is_known() -> None:
    frames = [snapshot(cutoff, 2.0 if cutoff == PLAN.year_before(AS_OF) else 0.5) for cutoff in PLAN.fit]
    found = calibration.expected(Dataset(pl.concat(frames), ()), PLAN, AS_OF)
    assert found.value == pytest.approx(2.0, rel=0.05)


def test_without_a_year_it_is_the_mean_drawn_towards_none() -> None:
    """Cutoffs that agree are believed; those that differ wildly are not."""
    agree = [snapshot(cutoff, 0.8) for cutoff in SHORT.fit]
    assert calibration.expected(Dataset(pl.concat(agree), ()), SHORT, AS_OF).value == pytest.approx(0.8, rel=0.05)
    factors = (0.3, 2.0, 0.4)
    differ = [snapshot(cutoff, factor) for cutoff, factor in zip(SHORT.fit, factors, strict=False)]
    mean = float(np.exp(np.mean(np.log(factors[: len(differ)]))))
    found = calibration.expected(Dataset(pl.concat(differ), ()), SHORT.without(SHORT.fit[len(differ) :]), AS_OF).value
    assert mean < found < 1


def test_nothing_sold_leaves_the_level_alone() -> None:
    frame = snapshot(AS_OF, 1.0).with_columns(future_value_cents=pl.lit(0.0), future_orders=pl.lit(0.0))
    found = calibration.actual(Dataset(frame, ()))
    assert (found.value, found.orders) == (1.0, 1.0)
    assert np.isfinite(found.shift)


def test_churn_is_brought_midway_between_season_and_the_models_own() -> None:
    data = Dataset(snapshot(AS_OF, 1.0), ())
    own = np.array([0.6])
    found = calibration.mean_churn(data, calibration.TotalCalibration(), own)
    assert np.exp(-1.0) < found < 0.6
    longer = Dataset(data.frame.with_columns(horizon_no_order=pl.lit(0.2)), ())
    assert calibration.mean_churn(longer, calibration.TotalCalibration(), own) == pytest.approx(0.2)


def test_a_shift_that_cannot_be_found_is_none() -> None:
    assert calibration.shift_to(np.array([0.2, 0.4]), 0.3) == pytest.approx(0.0, abs=0.05)
    assert calibration.shift_to(np.array([0.2, 0.4]), 0.0) == 0.0
