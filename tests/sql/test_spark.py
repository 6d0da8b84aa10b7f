"""One SQL text, two engines: DuckDB and Spark (through sqlglot) make the same cells, bit by bit."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.data import lake
from regulars.data.sql import SqlFolder, connect
from regulars.instants import as_of_params
from regulars_workbench.describe.relations import needed
from regulars_workbench.simulator.simulate import simulate

pytest.importorskip("pyspark", reason="pyspark is not installed: pip install -e '.[bench]'")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java 17 or later, and there is no java", allow_module_level=True)

from benchmarks.features import cells, spark_sql

SQL = SqlFolder(Path(__file__).parents[2] / "sql")
PORTABLE = [relation.name for relation in SQL.relations.values() if relation.folder != "staging"]
"""All relations except those of ingest, which runs on DuckDB only."""
NAMES = needed(SQL, PORTABLE)
AS_OF = datetime(2025, 3, 1, tzinfo=UTC)
PARAMS: dict[str, str | int] = as_of_params(AS_OF) | {
    "as_of_day": int(AS_OF.timestamp()) // 86400,
    "label_end": as_of_params(AS_OF + timedelta(days=90))["as_of"],
    "lost_after_months": 3,
    "most_events": 3,
    "most_orders": 1,
    "part": 2,
    "above_cents": 5_000,
}
ODD_ORDERS = """
    select customer_id, 'odd-' || abs(cents) as order_id, cast(moment as timestamp) as ordered_at,
        cast(cents as bigint) as order_value_cents, cents < 0 as is_return, cast(1 as double) as quantity,
        cast(discount as bigint) as discount_cents, cast(margin as bigint) as margin_cents
    from (values
        ('odd free', '2025-02-01', 0, null, null), ('odd free', '2025-02-02', 0, 0, 0),
        ('odd return', '2025-02-01', -100, null, -10),
        ('odd once', '2025-01-30 00:00:00', 100, 5, 10), ('odd whale', '2024-12-01', 2000000000, 1, 3),
        ('odd whale', '2024-12-01', 3000000000, 1, -7), ('odd edge', '2025-03-01', 1, 1, 1),
        ('odd edge', '2025-02-28 23:59:59.999999', 7, 1, 1), ('odd edge', '2025-01-29 23:59:59.999999', 11, 1, 1),
        ('odd old', '1970-01-01', 5, null, null), ('odd old', '1970-01-01 00:00:00.000001', 6, null, null),
        ('Odd Ä', '2024-02-29 12:00', 33, 0, 1), ('Odd Ä', '2024-02-29 12:00', -33, 0, -1)
    ) as rows(customer_id, moment, cents, discount, margin)
"""
ODD_EVENTS = """
    select customer_id, cast(moment as timestamp) as occurred_at, kind
    from (values
        ('odd once', '2025-02-28 23:59:59.999999', 'site_visit'), ('odd once', '2025-03-01', 'site_visit'),
        ('odd free', '2025-02-01', 'support_ticket'), ('odd free', '2025-02-02', 'support_resolved'),
        ('odd free', '2025-02-02', 'support_resolved'), ('odd free', '2025-02-02', 'sung'),
        ('nobody', '1970-01-01', 'email_open')
    ) as rows(customer_id, moment, kind)
"""
"""Cases that a simulated shop lacks: zero spend, returns only, ties, edges of windows, first and last instant."""


@pytest.fixture(scope="module")
def odd_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two years of 1,500 customers, and special cases."""
    folder = tmp_path_factory.mktemp("two-engines") / "lake"
    simulate(folder, customers=1_500, years=2, seed=11)
    for table, rows in (("orders", ODD_ORDERS), ("events", ODD_EVENTS)):
        duckdb.execute(f"copy ({rows}) to '{folder / table / 'odd.parquet'}' (format parquet)")
    return folder


@pytest.fixture(scope="module")
def by_spark(odd_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Spark's relations, each computed once."""
    spark = spark_sql.session(2, "2g", 2, tmp_path_factory.mktemp("spark"))
    spark_sql.attach(spark, odd_lake)
    yield spark_sql.make(spark, SQL, NAMES, PARAMS, kept=NAMES)
    spark.stop()


@pytest.fixture(scope="module")
def by_duckdb(odd_lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB's relations, as tables."""
    with connect("1GB", 2) as connection:
        lake.attach(connection, odd_lake)
        SQL.materialise(connection, NAMES, PARAMS)
        yield connection


@pytest.mark.parametrize("name", NAMES)
def test_two_engines_make_the_same_cells(
    name: str, by_duckdb: duckdb.DuckDBPyConnection, by_spark: dict[str, Any], tmp_path: Path
) -> None:
    by_duckdb.execute(f"copy {name} to '{tmp_path}/duckdb.parquet' (format parquet)")
    by_spark[name].coalesce(1).write.parquet(f"{tmp_path}/spark")
    ours, theirs = (cells.ordered(cells.read(tmp_path / name)) for name in ("duckdb.parquet", "spark"))
    assert len(ours) > 0
    assert cells.differing(ours, theirs) == {}
