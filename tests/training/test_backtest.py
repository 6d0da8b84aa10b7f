"""The backtest: measured on the time after the cutoff; on a lake, or on a dataset's own file with its protocol."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError, MapError
from regulars_training import backtest
from regulars_training.data import protocol
from regulars_training.data.dataset import history
from regulars_training.run_backtest import run_backtest
from regulars_workbench.cli.models import backtest_tables
from tests.conftest import AS_OF

MOMENT = AS_OF - timedelta(days=90)
BASELINES = {"last_period", "mean", "bgnbd_gg", "paretonbd_gg", "xgb_default"}
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_lake_is_backtested_at_a_moment(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    lake: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The outcome comes from the lake. Models are the same when the rows after the cutoff are missing."""
    [result] = run_backtest(connection, lake, sql, horizon_days=90, moments=[MOMENT])
    assert set(result["value"]) == BASELINES | {"regulars"}
    assert set(result["churn"]) == BASELINES - {"mean"} | {"regulars"}
    actual = connection.execute(
        "select sum(order_value_cents) / 100 from orders where not is_return and ordered_at >= $moment"
        " and customer_id in (select customer_id from orders where not is_return and ordered_at < $moment)",
        {"moment": MOMENT.replace(tzinfo=None)},
    ).fetchall()[0][0]
    assert result["mean_value"] * result["customers"] == pytest.approx(actual)
    assert result["value"]["regulars"]["rmse"] < result["value"]["mean"]["rmse"]
    assert result["churn"]["regulars"]["roc_auc"] > 0.8
    assert all(datetime.fromisoformat(cutoff).replace(tzinfo=UTC) < MOMENT for cutoff in result["cutoffs"])
    cut = tmp_path / "cut"
    (cut / "orders").mkdir(parents=True)
    pl.scan_parquet(lake / "orders" / "*.parquet").filter(
        (pl.col("ordered_at") < MOMENT.replace(tzinfo=None)) | (pl.col("customer_id").rank("dense") % 3 == 0)
    ).sink_parquet(cut / "orders" / "part.parquet")
    for table in ("customers", "events", "treatments"):
        (cut / table).symlink_to(lake / table)
    (cut / "lake.json").write_bytes((lake / "lake.json").read_bytes())
    [other] = run_backtest(connection, cut, sql, horizon_days=90, moments=[MOMENT])
    assert other["constants"] == result["constants"]
    assert other["mean_value"] < result["mean_value"]
    backtest_tables.show_results([result])
    printed = capsys.readouterr().out
    assert "regulars" in printed
    assert "80 % interval covers" in printed
    backtest_tables.write([result], tmp_path / "found.json")
    assert json.loads((tmp_path / "found.json").read_text()) == [result]


def test_a_horizon_beyond_the_log_names_the_latest_cutoff(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path
) -> None:
    with pytest.raises(HistoryError, match=r"reach beyond the last order .* can be evaluated is 2025-04-02"):
        run_backtest(connection, lake, sql, horizon_days=90, moments=[AS_OF])


def test_rolling_cutoffs_are_the_newest_that_can_be_trained(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    attach(connection, lake)
    first, last = history(connection)
    result = backtest.rolling(first, last, 90)
    assert result == [AS_OF - timedelta(days=90 * step) for step in (1, 2, 3)]
    assert backtest.rolling(first, last, 300) == [AS_OF - timedelta(days=300)]
    with pytest.raises(HistoryError, match="longer than the history"):
        backtest.rolling(first, last, 600)


@pytest.mark.slow
def test_a_protocol_reads_a_dataset_as_it_is(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path, tmp_path: Path
) -> None:
    """The cutoff is the last known day."""
    orders = pl.scan_parquet(lake / "orders" / "*.parquet").filter(~pl.col("is_return"))
    orders.select(who="customer_id", when="ordered_at", amount=pl.col("order_value_cents") / 100).sink_parquet(
        tmp_path / "orders.parquet"
    )
    file = tmp_path / "protocol.toml"
    file.write_text(
        'cutoff = 2025-04-01\nhorizon_days = 90\n[map.orders]\ncustomer_id = "who"\nordered_at = "when"\n'
        'order_value = "amount"\n'
    )
    source = tmp_path / "orders.parquet"
    [result] = run_backtest(connection, source, sql, horizon_days=7, protocol_file=file)
    assert (result["as_of"], result["horizon_days"]) == ("2025-04-02", 90)


@pytest.mark.parametrize("file", sorted((ROOT / "benchmarks" / "protocols").glob("*.toml")), ids=lambda file: file.stem)
def test_a_protocol_of_ours_can_be_read(file: Path) -> None:
    result = protocol.read(file)
    assert "orders" in result.mapping.sections
    assert result.as_of > datetime(1990, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cutoff = ", "is not valid TOML"),
        ("cutoff = 2025-01-01\n[map]", "horizon_days: Field required"),
        ("cutoff = 2025-01-01\nhorizon_days = 0\n[map]", "horizon_days: Input should be greater"),
        ("cutoff = 2025-01-01\nhorizon_days = 9\nhorison = 1\n[map]", "horison: Extra inputs"),
    ],
)
def test_an_invalid_protocol_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "protocol.toml"
    file.write_text(text)
    with pytest.raises(MapError, match=message):
        protocol.read(file)
