"""`regulars uplift` on a small simulated lake: its files, warnings and errors."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from regulars.actions.effects.uplift import Uplift
from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, connect
from regulars.errors import BundleError, HistoryError, SourceError
from regulars.features.relations import make_features_learning
from regulars.features.table import FeatureTable
from regulars_training.uplift.assignment import assignment
from regulars_training.uplift.experiment import Experiment
from regulars_training.uplift.learn import learn
from regulars_training.uplift.report import first_third


@pytest.fixture(scope="module")
def effects(lake: Path, sql: SqlFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Effects learnt from the small lake."""
    out = tmp_path_factory.mktemp("learnt") / "effects"
    with connect("1GB", 1) as opened:
        learn(opened, lake, sql, horizon_days=30, out=out)
    return out


def copy(lake: Path, to: Path) -> Path:
    return Path(shutil.copytree(lake, to / "lake", ignore=shutil.ignore_patterns("truth")))


def test_every_action_has_an_effect_on_every_customer(
    connection: duckdb.DuckDBPyConnection, effects: Path, lake: Path, sql: SqlFolder
) -> None:
    attach(connection, lake)
    make_features_learning(connection, sql, datetime(2025, 7, 1, tzinfo=UTC))
    table = FeatureTable.read(connection)
    learnt = Uplift.open(effects)
    assert list(learnt) == ["call", "email", "voucher"]
    for name in learnt:
        effect = learnt[name].of(table.columns, len(table))
        assert (effect.on, effect.how) == ("value", "absolute")
        assert len(effect.likely) == len(table)
        assert np.all(effect.low <= effect.likely)
        assert np.all(effect.likely <= effect.high)
        assert np.all(np.isfinite(effect.high))


def test_a_missing_feature_is_named(effects: Path) -> None:
    with pytest.raises(SourceError, match="need the feature repeat_days"):
        Uplift.open(effects)["email"].of({"churn_probability": np.zeros(1)}, 1)


def test_a_changed_file_is_refused(effects: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(effects, tmp_path / "effects"))
    file = changed / "effects" / "0" / "constants.json"
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(BundleError, match=r"effects/0/constants\.json has changed"):
        Uplift.open(changed)["call"]


def test_a_small_experiment_gives_a_warning(effects: Path) -> None:
    """A few hundred customers an arm cannot detect a lift of a few hundredths of an order."""
    reasons = Uplift.open(effects).bundle.manifest.verdict.reasons
    assert any("too small for this effect" in reason for reason in reasons)


def test_too_few_customers_are_refused(
    connection: duckdb.DuckDBPyConnection, lake: Path, sql: SqlFolder, tmp_path: Path
) -> None:
    small = copy(lake, tmp_path)
    for file in (small / "treatments").glob("*.parquet"):
        pl.read_parquet(file).head(60).write_parquet(file)
    with pytest.raises(HistoryError, match="no experiment is large enough"):
        learn(connection, small, sql, horizon_days=30, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_treatments_are_refused(
    connection: duckdb.DuckDBPyConnection, lake: Path, sql: SqlFolder, tmp_path: Path
) -> None:
    bare = copy(lake, tmp_path)
    shutil.rmtree(bare / "treatments")
    with pytest.raises(HistoryError, match="the lake has no treatments"):
        learn(connection, bare, sql, horizon_days=30, out=tmp_path / "out")


def test_a_horizon_that_no_campaign_has_reached_is_refused(
    connection: duckdb.DuckDBPyConnection, lake: Path, sql: SqlFolder, tmp_path: Path
) -> None:
    with pytest.raises(HistoryError, match="no campaign is 730 days old"):
        learn(connection, lake, sql, horizon_days=730, out=tmp_path / "out")


def experiment(treated: np.ndarray, rows: np.ndarray) -> Experiment:
    zeros = np.zeros(len(rows))
    ids = np.array([f"C{place}" for place in range(len(rows))], dtype=object)
    return Experiment(rows.astype(np.float32), treated, zeros, zeros, zeros, zeros, ids)


def test_the_first_third_is_the_difference_of_its_arms() -> None:
    """Nine customers, three with a high prediction; the treated of those order once more, at 20.00 each."""
    treated = np.array([True, False, True, False, True, False, True, False, True])
    orders = np.array([2.0, 1.0, 2.0, 5, 5, 5, 5, 5, 5])
    predicted = np.array([3.0, 3, 3, 1, 1, 1, 1, 1, 1])
    logged = experiment(treated, np.zeros((9, 1)))
    logged = replace(logged, orders=orders, expected_cents=np.full(9, 2_000.0))
    assert first_third(logged, predicted, 100)[0] == 20.0


def test_random_assignment_passes_and_a_selection_gives_warnings() -> None:
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((3_000, 3))
    at_random = experiment(rng.random(3_000) < 0.7, rows)
    selected = experiment(rng.random(3_000) < 1 / (1 + np.exp(-rows[:, 1])), rows)
    assert assignment(at_random, ("a", "b", "c"))[2] == []
    largest, auc, warnings = assignment(selected, ("a", "b", "c"))
    assert largest > 0.5
    assert auc > 0.6
    assert len(warnings) == 2
    assert "b by" in warnings[0]
