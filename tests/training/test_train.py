"""A training run: content of the snapshots, manifest of the bundle, data that is refused."""

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from regulars.data.lake import attach, finish
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError, LakeError
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars_training.data.cutoffs import CutoffPlan, plan
from regulars_training.data.dataset import NOT_FEATURES, Dataset, build, history
from regulars_training.models import segment
from regulars_training.models.churn import Forest
from regulars_training.train import train
from tests.conftest import AS_OF

CUTOFF = AS_OF - timedelta(days=90)


@pytest.fixture
def snapshots(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path) -> Dataset:
    """Two snapshots of the simulated lake."""
    attach(connection, lake)
    return build(connection, sql, [CUTOFF, CUTOFF - timedelta(days=45)], 90)


def test_labels_are_the_orders_of_the_window(connection: duckdb.DuckDBPyConnection, snapshots: Dataset) -> None:
    """Value, orders and churn of [cutoff, cutoff + 90 days), and the last period of the 90 days before."""
    naive = CUTOFF.replace(tzinfo=None)
    for column, start in (("future_value_cents", naive), ("last_period_cents", naive - timedelta(days=90))):
        query = """select customer_id, sum(order_value_cents)::bigint from orders
            where not is_return and ordered_at >= $start and ordered_at < $end group by 1"""
        window = {"start": start, "end": start + timedelta(days=90)}
        spent = dict(connection.execute(query, window).fetchall())
        frame = snapshots.at([CUTOFF]).frame
        assert frame[column].to_list() == [spent.get(name, 0) for name in frame["customer_id"]]
    newest = snapshots.at([CUTOFF])
    np.testing.assert_array_equal(newest.churned, newest.frame["future_orders"].to_numpy() == 0)
    assert 0.2 < newest.churned.mean() < 0.9


def test_targets_ids_and_scores_are_not_features(snapshots: Dataset) -> None:
    forbidden = {"cutoff", "customer_id", "future_value_cents", "future_orders", "last_period_cents", *NOT_FEATURES}
    assert not forbidden & set(snapshots.features)
    assert not [
        name for name in snapshots.features if "future" in name or (name.endswith("_score") and "eng" not in name)
    ]
    assert snapshots.matrix.shape == (len(snapshots.frame), len(snapshots.features))


def test_older_snapshots_have_lower_weights(snapshots: Dataset) -> None:
    weights = snapshots.weights(0.8)
    newest = snapshots.frame["cutoff"].to_numpy() == np.datetime64(CUTOFF.replace(tzinfo=None))
    assert set(weights[newest]) == {1.0}
    assert set(weights[~newest]) == {0.8}


def test_the_manifest_describes_the_training_data(
    bundle: Bundle, lake: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    manifest = bundle.manifest
    attach(connection, lake)
    moments: CutoffPlan = plan(*history(connection), AS_OF, 90)
    assert manifest.as_of == AS_OF
    assert manifest.training["holdout"] == f"{moments.holdout:%Y-%m-%d}"
    assert manifest.training["cutoffs"] == [f"{cutoff:%Y-%m-%d}" for cutoff in moments.fit]
    assert not set(NOT_FEATURES) & set(manifest.features)
    assert {"duckdb", "numpy", "onnxruntime", "scikit-learn", "xgboost-cpu"} <= set(manifest.libraries)
    assert manifest.metrics["churn"]["roc_auc"] > 0.8
    assert manifest.metrics["clv"]["rmse"] < manifest.metrics["clv"]["baselines"]["mean"]["rmse"]


def test_models_do_not_depend_on_the_number_of_threads(snapshots: Dataset) -> None:
    """A forest's predictions and the segments' centres are the same to the bit in every run."""
    columns = {name: snapshots.frame[name].to_numpy().astype(np.float64) for name in snapshots.features}
    table = FeatureTable(snapshots.frame["customer_id"].to_numpy(), columns)
    with threadpool_limits(1):
        centres = segment.SegmentModel(table).centroids
        probability = Forest(snapshots).predict(snapshots)
    with threadpool_limits(2):
        assert segment.SegmentModel(table).centroids.tobytes() == centres.tobytes()
        assert Forest(snapshots).predict(snapshots).tobytes() == probability.tobytes()


def shop(folder: Path, customers: int, *, back: float, days: int = 400) -> Path:
    """Write a lake in which all customers order once, and the share `back` of them again every ten days."""
    rng = np.random.default_rng(1)
    start = datetime(2024, 1, 1)  # noqa: DTZ001 - as the lake keeps it
    rows = []
    for number in range(customers):
        first = rng.uniform(0, 5)
        again = np.arange(10, days - 10, 10) if number < back * customers else np.arange(0)
        rows += [(f"c{number}", start + timedelta(days=float(first + step))) for step in (0, *again)]
    rows.append(("last", start + timedelta(days=days)))
    names, moments = zip(*rows, strict=True)
    (folder / "orders").mkdir(parents=True)
    frame = {
        "customer_id": names,
        "ordered_at": moments,
        "order_value_cents": [1000] * len(rows),
        "is_return": [False] * len(rows),
    }
    pl.DataFrame(frame).write_parquet(folder / "orders" / "part.parquet")
    with duckdb.connect() as connection:
        finish(connection, folder, "EUR", 2)
    return folder


@pytest.mark.parametrize(
    ("customers", "back", "message"),
    [
        (30, 0.5, r"only 30 customers ordered before .* at least 50 are needed"),
        (100, 0.0, r"of 100 customers at .*, 0 ordered within 90 days: with nearly all or none churned"),
        (100, 1.0, r"of 100 customers at .*, 100 ordered within 90 days: with nearly all or none churned"),
    ],
    ids=["too few", "only churners", "no churner"],
)
def test_data_that_cannot_be_trained_on_is_refused_and_no_bundle_written(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path, customers: int, back: float, message: str
) -> None:
    lake = shop(tmp_path / "lake", customers, back=back)
    as_of = datetime(2025, 2, 4, tzinfo=UTC)
    with pytest.raises(HistoryError, match=message):
        train(connection, lake, sql, as_of=as_of, horizon_days=90, out=tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_training_does_not_change_the_warning_filters(bundle_folder: Path) -> None:
    """scikit-learn's threads change them concurrently; a later warning must still be an error here."""
    assert bundle_folder.is_dir()
    with pytest.raises(UserWarning, match="still"):
        warnings.warn("still", UserWarning, stacklevel=1)


def test_infinite_amounts_are_refused_and_no_bundle_written(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    """A lake has whole cents, which cannot be infinite; a folder with float amounts is refused."""
    lake = shop(tmp_path / "lake", 100, back=0.5)
    file = lake / "orders" / "part.parquet"
    rows = pl.read_parquet(file).with_columns(pl.col("order_value_cents").cast(pl.Float64))
    amounts = [float("inf"), *rows["order_value_cents"].to_list()[1:]]
    rows.with_columns(pl.Series("order_value_cents", amounts)).write_parquet(file)
    with pytest.raises(LakeError, match="order_value_cents is DOUBLE, the lake keeps BIGINT; ingest again"):
        train(connection, lake, sql, as_of=datetime(2025, 2, 4, tzinfo=UTC), horizon_days=90, out=tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_an_infinite_feature_is_refused_by_name(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = shop(tmp_path / "lake", 100, back=0.5)
    read = FeatureTable.read

    def broken(connection: duckdb.DuckDBPyConnection, relation: str = "customer_features") -> FeatureTable:
        table = read(connection, relation)
        table.columns["recency_days"][1] = np.inf
        return table

    monkeypatch.setattr(FeatureTable, "read", broken)
    with pytest.raises(HistoryError, match=r"recency_days of customer c\d+ is infinite"):
        train(connection, lake, sql, as_of=datetime(2025, 2, 4, tzinfo=UTC), horizon_days=90, out=tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
