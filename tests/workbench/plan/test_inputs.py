"""Inputs of a plan: files are joined by customer and checked; errors name the file."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.actions.catalogue import parse
from regulars.data.sql import SqlFolder
from regulars.errors import CatalogueError, SourceError
from regulars_workbench.plan.inputs import People, read_people
from tests.regulars.actions.catalogues import action, raw

SCORES = """
    select * from (values
        ('C2', 0.5, 100.0, 2.0, 'New', 'high'), ('C1', 0.2, 50.0, 1.0, 'Loyal', 'low'),
        ('C3', 0.9, 10.0, 0.2, 'New', 'high')
    ) as t(customer_id, churn_probability, predicted_value, predicted_orders, segment, churn_risk),
    (select timestamp '2025-07-01' as as_of, 90 as horizon_days)
"""


def written(path: Path, query: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(
            f"copy ({query}) to '{path}' ({'format csv, header' if path.suffix == '.csv' else 'format parquet'})"
        )
    return path


def people(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    scores: Path,
    content: dict[str, Any] | None = None,
    **files: Any,
) -> People:
    return read_people(connection, scores, parse(content or raw()), sql, **files)


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_customers_come_in_the_order_of_their_ids(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path, name: str
) -> None:
    planned = people(connection, sql, written(tmp_path / name, SCORES))
    assert planned.columns["customer_id"].tolist() == ["C1", "C2", "C3"]
    assert planned.columns["predicted_value"].tolist() == [50.0, 100.0, 10.0]
    assert [planned.stratum_names[code] for code in planned.strata] == ["Loyal / low", "New / high", "New / high"]
    assert (planned.as_of.year, planned.horizon_days, planned.knows_treatments) == (2025, 90, False)


def test_features_are_joined_and_may_be_missing(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    features = written(
        tmp_path / "consent.csv", "select 'C1' as customer_id, true as consent union all select 'C9', true"
    )
    scores = written(tmp_path / "scores.parquet", SCORES)
    planned = people(connection, sql, scores, raw(action(eligible="consent")), features=features)
    assert planned.offers.eligible.tolist() == [[True, False, False]]


def test_the_lake_gives_past_treatments(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path, lake: Path
) -> None:
    with duckdb.connect() as other:
        query = (
            f"select customer_id, max(treated_at) from '{lake}/treatments/*.parquet' "
            "where arm = 'treated' and treated_at < timestamp '2025-07-01' group by all order by 2 desc, 1 limit 1"
        )
        [(customer, at)] = other.execute(query).fetchall()
    scores = written(tmp_path / "scores.parquet", SCORES.replace("'C2'", f"'{customer}'"))
    planned = people(connection, sql, scores, raw(action(cooldown_days=3650)), lake=lake)
    since = dict(zip(planned.columns["customer_id"], planned.columns["days_since_treatment"], strict=True))
    assert since[customer] == pytest.approx((planned.as_of - at).total_seconds() / 86400)
    assert planned.offers.cooling.sum() == 1
    assert planned.knows_treatments


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("0.5, 100.0", "1.5, 100.0"), ("churn_probability", "1 rows", "C2")),
        (("0.5, 100.0", "null, 100.0"), ("churn_probability", "C2")),
        (("0.5, 100.0", "0.5, -1.0"), ("predicted_value", "C2")),
        (("0.5, 100.0", "0.5, 'nan'::double"), ("predicted_value", "C2")),
        (("'C2'", "'C1'"), ("1 rows repeat a customer_id",)),
        (("'C2'", "null"), ("1 rows repeat a customer_id",)),
        (("predicted_orders,", "orders,"), ("no column predicted_orders", "regulars score")),
        (("90 as", "unnest([30, 90]) as"), ("more than one as_of or horizon_days",)),
    ],
)
def test_invalid_scores_are_refused(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    tmp_path: Path,
    change: tuple[str, str],
    parts: tuple[str, ...],
) -> None:
    scores = written(tmp_path / "scores.parquet", SCORES.replace(*change))
    with pytest.raises(SourceError) as raised:
        people(connection, sql, scores)
    assert all(part in str(raised.value) for part in ("scores.parquet", *parts)), str(raised.value)


def test_files_that_are_absent_or_damaged_are_named(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=r"no file at .*none\.parquet"):
        people(connection, sql, tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_text("no", encoding="utf-8")
    with pytest.raises(SourceError, match=r"bad\.parquet is not readable as parquet"):
        people(connection, sql, tmp_path / "bad.parquet")
    scores = written(tmp_path / "scores.parquet", SCORES)
    twice = written(tmp_path / "twice.csv", "select 'C1' as customer_id, 1 as x union all select 'C1', 2")
    with pytest.raises(SourceError, match=r"twice\.csv: 1 rows repeat a customer_id"):
        people(connection, sql, scores, features=twice)


def test_an_unknown_name_suggests_a_column(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    scores = written(tmp_path / "scores.parquet", SCORES)
    with pytest.raises(CatalogueError, match=r'scores\.parquet: no column .*did you mean "segment"') as raised:
        people(connection, sql, scores, raw(action(eligible="segmnt = 'New'")))
    assert "draw_of_customer" not in str(raised.value)
