"""Scoring long after the newest order gives a warning, then an error."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from regulars.errors import HistoryError
from regulars.scoring.freshness import check_freshness

LAST = datetime(2024, 6, 30, 12, tzinfo=UTC)


def bind(connection: duckdb.DuckDBPyConnection, stray: str = "null") -> None:
    connection.execute(
        "create or replace temp table orders as select "
        "timestamp '2024-06-30 12:00:00' - to_hours(6 * range) as ordered_at, "
        f"false as is_return from range(1000) union all select {stray}, false where {stray} is not null"
    )


@pytest.mark.parametrize(("days", "count"), [(1, 0), (8, 0), (10, 1), (90, 1)])
def test_old_data_gives_a_warning(connection: duckdb.DuckDBPyConnection, days: int, count: int) -> None:
    bind(connection)
    warnings = check_freshness(connection, LAST + timedelta(days=days), 90)
    assert len(warnings) == count
    assert all(f"the newest order is of 2024-06-30, {days} days before as_of" in text for text in warnings)


def test_data_older_than_the_horizon_is_refused_unless_allowed(connection: duckdb.DuckDBPyConnection) -> None:
    bind(connection)
    with pytest.raises(HistoryError, match=r"91 days before as_of .* use --allow-stale"):
        check_freshness(connection, LAST + timedelta(days=91), 90)
    assert check_freshness(connection, LAST + timedelta(days=91), 90, allow_stale=True)


def test_a_stray_order_does_not_make_data_fresh(connection: duckdb.DuckDBPyConnection) -> None:
    bind(connection, "timestamp '2026-01-01'")
    with pytest.raises(HistoryError, match="the newest order is of 2024-06-30"):
        check_freshness(connection, datetime(2026, 1, 2, tzinfo=UTC), 90)
