"""The score file: one row for each customer in order, with reasons, and the same bytes for any number of threads."""

from pathlib import Path

import polars as pl
import pytest

from regulars.data.sql import connect
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.scoring import score as scoring
from regulars.scoring.score import score
from tests.conftest import AS_OF

REASON = {"feature", "group", "value", "effect", "text"}


def scored(lake: Path, bundle: Path, out: Path, threads: int = 1, reasons: int = 3) -> pl.DataFrame:
    with connect("1GB", threads) as connection:
        customers = score(connection, lake, ModelLoader(Bundle(bundle)), AS_OF, out, reasons)
    frame = pl.read_parquet(out)
    assert len(frame) == customers
    return frame


def test_rows_are_in_the_order_of_customers_with_three_reasons_each(
    lake: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    frame = scored(lake, bundle_folder, tmp_path / "scores.parquet")
    assert frame["customer_id"].is_sorted()
    for column in ("clv_reasons", "churn_reasons"):
        assert (frame[column].list.len() == 3).all()
        reasons = frame[column].explode().struct.unnest()
        assert set(reasons.columns) == REASON
        assert reasons["text"].str.len_chars().min() > 0
        assert reasons["value"].is_nan().sum() == 0  # an unknown value is null
        sizes = frame[column].list.eval(pl.element().struct.field("effect").abs())
        assert all(row == sorted(row, reverse=True) for row in sizes.to_list())


def test_blocks_and_threads_change_no_byte(
    lake: Path, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(lake, bundle_folder, tmp_path / "one.parquet")
    monkeypatch.setattr(scoring, "BLOCK", 100)
    scored(lake, bundle_folder, tmp_path / "many.parquet", threads=2)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()


def test_without_reasons_the_scores_are_the_same(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    explained = scored(lake, bundle_folder, tmp_path / "explained.parquet")
    plain = scored(lake, bundle_folder, tmp_path / "plain.parquet", reasons=0)
    assert set(explained.columns) - set(plain.columns) == {"clv_reasons", "churn_reasons"}
    assert plain.equals(explained.select(plain.columns))
