"""Promotion: a challenger that lost is written beside the champion, which does not change."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from threadpoolctl import threadpool_limits

from regulars.data.sql import SqlFolder
from regulars.errors import BundleError
from regulars.models.bundle import MANIFEST
from regulars_training.evaluation import evaluate, gate
from regulars_training.models import churn, clv
from regulars_training.train import lost, train
from tests.conftest import AS_OF


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few trees, no importance of features, one thread: promotion does not depend on them."""
    monkeypatch.setattr(churn, "TREES", 20)
    monkeypatch.setattr(clv, "ROUNDS", dict.fromkeys(clv.ROUNDS, 20))
    monkeypatch.setattr(evaluate, "explained", lambda *_: {"clv": {}, "churn": {}})
    with threadpool_limits(1):
        yield


@pytest.mark.slow
def test_a_challenger_that_lost_is_written_beside_the_champion(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    lake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With --force it replaces the champion. The first bundle has no champion. The verdict stays in the manifest."""
    out = tmp_path / "bundle"
    monkeypatch.setattr(gate, "MOST_MISCALIBRATED", -1.0)
    run = {"as_of": AS_OF - timedelta(days=90), "horizon_days": 90, "out": out}
    first = train(connection, lake, sql, **run)  # type: ignore[arg-type] # values are above
    assert first.path == out
    assert not first.manifest.verdict.passed
    challenger = train(connection, lake, sql, **run)  # type: ignore[arg-type] # values are above
    assert challenger.path == lost(out) == tmp_path / "bundle.lost"
    assert not challenger.manifest.verdict.passed
    forced = train(connection, lake, sql, **run, force=True)  # type: ignore[arg-type] # values are above
    assert forced.path == out
    assert not forced.manifest.verdict.passed
    kept = (out / MANIFEST).read_bytes()
    again = train(connection, lake, sql, **(run | {"as_of": AS_OF}))  # type: ignore[arg-type] # values are above
    assert again.path == lost(out)
    assert (out / MANIFEST).read_bytes() == kept
    compared = [line for line in again.manifest.verdict.reasons if forced.manifest.bundle in line]
    assert len(compared) == 5  # trained before the holdout began: paired by customer
    assert not any("its own held-out time" in line for line in compared)


@pytest.mark.slow
def test_a_champion_that_has_seen_the_holdout_is_compared_by_its_own_metrics(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path, tmp_path: Path
) -> None:
    """Compared with itself, trained again, all metrics tie."""
    champion, new = tmp_path / "champion", tmp_path / "new"
    train(connection, lake, sql, as_of=AS_OF, horizon_days=90, out=champion)
    again = train(connection, lake, sql, as_of=AS_OF, horizon_days=90, out=new, last_bundle=champion, force=True)
    compared = [line for line in again.manifest.verdict.reasons if "its own held-out time" in line]
    assert len(compared) == 3
    assert all(line.startswith("tie") for line in compared)


def test_an_invalid_champion_is_refused_before_training(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="no bundle at"):
        train(
            connection, lake, sql, as_of=AS_OF, horizon_days=90, out=tmp_path / "new", last_bundle=tmp_path / "nothing"
        )
    assert list(tmp_path.iterdir()) == []
