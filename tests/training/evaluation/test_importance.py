"""Global importance: gain by group, and the rise of the loss when features are shuffled."""

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
    """Each of two copies is replaced by the other; a feature that the model does not read has no effect."""
    result = importance.permutation(mean_of_both, absolute, data)
    assert result["loss"] == 0
    assert result["by_feature"]["tenure_days"] == {"rise": 0.0, "spread": 0.0}
    single, both = result["by_feature"]["orders_90d"]["rise"], result["by_group"]["recent_activity"]["rise"]
    assert 0 < single < both
    assert both == pytest.approx(2 * single)
    assert list(result["by_group"]) == ["recent_activity", "tenure"]


def test_a_sample_can_be_used_and_the_data_does_not_change(data: Dataset) -> None:
    before = data.frame.clone()
    assert importance.permutation(mean_of_both, absolute, data, sample=100)["customers"] == 100
    assert data.frame.equals(before)


def test_gain_adds_up_by_group() -> None:
    result = importance.by_group({"orders_30d": 0.2, "recency_days": 0.35, "orders_90d": 0.45})
    assert result == {"recent_activity": pytest.approx(0.65), "recency": 0.35}
    assert list(result) == ["recent_activity", "recency"]


@pytest.mark.parametrize("task", ["clv", "churn"])
def test_the_report_holds_both_kinds_for_every_feature(bundle: Any, task: str) -> None:
    result = bundle.manifest.metrics[task]["explained"]
    assert set(result["permutation"]["by_feature"]) == set(bundle.manifest.features)
    assert (
        set(result["permutation"]["by_group"]) == {group_of(name) for name in bundle.manifest.features} <= set(GROUPS)
    )
    assert sum(result["gain_by_group"].values()) == pytest.approx(1)
    first = next(iter(result["permutation"]["by_group"].values()))
    assert first["rise"] > 0
