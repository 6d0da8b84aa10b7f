"""Scores of a simulated lake against its truth."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from regulars.data.sql import connect
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.scoring.score import score
from tests.conftest import AS_OF

GROUPS = 5


@pytest.fixture(scope="module")
def scored(lake: Path, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Return each customer's predicted and true P(no order) and value in the 90 days after the log."""
    out = tmp_path_factory.mktemp("scores") / "scores.parquet"
    with connect("1GB", 1) as opened:
        score(opened, lake, ModelLoader(Bundle(bundle_folder)), AS_OF, out)
    return pl.read_parquet(out).join(pl.read_parquet(lake / "truth" / "value" / "*.parquet"), on="customer_id")


def test_churn_is_calibrated_against_the_truth(scored: pl.DataFrame) -> None:
    """In each fifth by prediction, mean predicted and true probability differ by less than 0.12 (1,500 customers)."""
    assert datetime(2025, 7, 1, tzinfo=UTC) == AS_OF
    predicted, true = scored["churn_probability"].to_numpy(), scored["true_no_order_90d"].to_numpy()
    parts = np.array_split(np.argsort(predicted), GROUPS)
    gaps = [abs(predicted[part].mean() - true[part].mean()) for part in parts]
    assert max(gaps) < 0.12
    assert abs(predicted.mean() - true.mean()) < 0.05
    assert np.corrcoef(predicted, true)[0, 1] > 0.8


def test_value_ranks_like_the_truth(scored: pl.DataFrame) -> None:
    """The top decile by prediction has more than 70 % of the expected value of the true top decile."""
    tenth = len(scored) // 10
    best = scored.sort("true_value_90d_cents", descending=True)["true_value_90d_cents"][:tenth].sum()
    ours = scored.sort("predicted_value", descending=True)["true_value_90d_cents"][:tenth].sum()
    assert ours > 0.7 * best
