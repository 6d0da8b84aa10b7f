"""Training on a world and scoring it: the churn probabilities against what the hidden traits say."""

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
def told(lake: Path, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Each customer's predicted and true chance of no order in the 90 days after the log, and value."""
    out = tmp_path_factory.mktemp("scores") / "scores.parquet"
    with connect("1GB", 1) as opened:
        score(opened, lake, ModelLoader(Bundle(bundle_folder)), AS_OF, out)
    return pl.read_parquet(out).join(pl.read_parquet(lake / "truth" / "value" / "*.parquet"), on="customer_id")


def test_churn_is_calibrated_against_the_truth(told: pl.DataFrame) -> None:
    """By fifths of the predicted probability, the mean true one is near: within 0.12 on 1,500 customers."""
    assert datetime(2025, 7, 1, tzinfo=UTC) == AS_OF
    predicted, true = told["churn_probability"].to_numpy(), told["true_no_order_90d"].to_numpy()
    parts = np.array_split(np.argsort(predicted), GROUPS)
    gaps = [abs(predicted[part].mean() - true[part].mean()) for part in parts]
    assert max(gaps) < 0.12
    assert abs(predicted.mean() - true.mean()) < 0.05
    assert np.corrcoef(predicted, true)[0, 1] > 0.8


def test_value_ranks_like_the_truth(told: pl.DataFrame) -> None:
    """The top tenth by prediction holds most of the truly expected value that the true top tenth holds."""
    tenth = len(told) // 10
    best = told.sort("true_value_90d_cents", descending=True)["true_value_90d_cents"][:tenth].sum()
    ours = told.sort("predicted_value", descending=True)["true_value_90d_cents"][:tenth].sum()
    assert ours > 0.7 * best
