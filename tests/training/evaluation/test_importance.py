"""Global importance: gain by group, and what is lost when features are shuffled."""

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from regulars.models.reasons import GROUPS, group_of
from regulars_training.data.dataset import Dataset
from regulars_training.evaluation import importance


@pytest.fixture
def data() -> Dataset:
    """Spend follows orders of 90 days; orders of 30 days are a copy of them; tenure is noise."""
    rng = np.random.default_rng(2)
    orders = rng.integers(0, 9, 500).astype(float)
    frame = {
        "cutoff": [datetime(2025, 1, 1)] * 500,  # noqa: DTZ001 - as the lake keeps it
        "orders_30d": orders,
        "orders_90d": orders,
        "tenure_days": rng.normal(size=500),
        "future_value_cents": orders * 100,
    }
    return Dataset(pl.DataFrame(frame), ("orders_30d", "orders_90d", "tenure_days"))


def mean_of_both(data: Dataset) -> npt.NDArray[np.float64]:
    return np.asarray(data.frame["orders_30d"] + data.frame["orders_90d"]).astype(np.float64) * 50


def absolute(data: Dataset, predicted: npt.NDArray[np.float64]) -> float:
    return float(np.abs(data.value_cents - predicted).mean())


def test_shuffling_a_group_hurts_more_than_shuffling_its_members(data: Dataset) -> None:
    """Each of two copies hides behind the other; what the model does not read costs nothing."""
    said = importance.permutation(mean_of_both, absolute, data)
    assert said["loss"] == 0
    assert said["by_feature"]["tenure_days"] == {"rise": 0.0, "spread": 0.0}
    one, both = said["by_feature"]["orders_90d"]["rise"], said["by_group"]["recent_activity"]["rise"]
    assert 0 < one < both
    assert both == pytest.approx(2 * one)
    assert list(said["by_group"]) == ["recent_activity", "tenure"]


def test_a_sample_is_enough_and_nothing_of_the_data_changes(data: Dataset) -> None:
    before = data.frame.clone()
    assert importance.permutation(mean_of_both, absolute, data, sample=100)["customers"] == 100
    assert data.frame.equals(before)


def test_gain_adds_up_by_group() -> None:
    said = importance.by_group({"orders_30d": 0.2, "recency_days": 0.35, "orders_90d": 0.45})
    assert said == {"recent_activity": pytest.approx(0.65), "recency": 0.35}
    assert list(said) == ["recent_activity", "recency"]


@pytest.mark.parametrize("task", ["clv", "churn"])
def test_the_report_holds_both_kinds_for_every_feature(bundle: Any, task: str) -> None:
    said = bundle.manifest.metrics[task]["explained"]
    assert set(said["permutation"]["by_feature"]) == set(bundle.manifest.features)
    assert set(said["permutation"]["by_group"]) == {group_of(name) for name in bundle.manifest.features} <= set(GROUPS)
    assert sum(said["gain_by_group"].values()) == pytest.approx(1)
    first = next(iter(said["permutation"]["by_group"].values()))
    assert first["rise"] > 0
