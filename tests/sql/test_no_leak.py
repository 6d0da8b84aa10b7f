"""No leak: nothing that happens at or after as_of changes a cell of customer_features."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.data.schema import EVENT_KINDS
from regulars.data.sql import SqlFolder, connect
from regulars.errors import HistoryError
from regulars.features.relations import make_features
from tests.properties import examples
from tests.sql import rows
from tests.sql.rows import AS_OF, Row

CUSTOMERS = st.sampled_from(["a", "b", "c"])
EDGE = [timedelta(days=days) for days in (0, 30, 90, 180, 275, 365)]
BEHIND = st.one_of(st.sampled_from(EDGE), st.timedeltas(timedelta(0), timedelta(days=400)))
"""Time before the last instant that features see."""
AHEAD = st.one_of(st.just(timedelta(0)), st.timedeltas(timedelta(0), timedelta(days=400)))
CUT_POINTS = [
    (measure, number, number * step)
    for measure, step in (("recency", 40), ("frequency", 1), ("monetary", 2_000))
    for number in (1, 2, 3, 4)
]

past = BEHIND.map(lambda gap: (AS_OF - timedelta(microseconds=1) - gap).replace(tzinfo=None))
future = AHEAD.map(lambda gap: (AS_OF + gap).replace(tzinfo=None))
SHIFT = st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000))
"""From AS_OF to the tested cutoff: any microsecond within fifty years."""
cents = st.integers(-5_000, 20_000)
unknown = st.none() | cents


def orders(moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[list[Row]]:
    """Rows of orders and returns."""
    row = st.builds(
        lambda customer, moment, value, discount, margin: {
            "customer_id": customer,
            "order_id": f"{customer}@{moment.isoformat()}",
            "ordered_at": moment,
            "order_value_cents": value,
            "is_return": value < 0,
            "discount_cents": discount,
            "margin_cents": margin,
        },
        CUSTOMERS,
        moments,
        cents,
        unknown,
        unknown,
    )  # fmt: skip - one argument a line
    return st.lists(row, max_size=8, unique_by=lambda row: row["order_id"])


def events(moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[list[Row]]:
    """Rows of events."""
    row = st.fixed_dictionaries(
        {"customer_id": CUSTOMERS, "occurred_at": moments, "kind": st.sampled_from(EVENT_KINDS)}
    )
    return st.lists(row, max_size=6)


def people(names: st.SearchStrategy[str], moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[list[Row]]:
    """Rows of customers."""
    fields = {
        "customer_id": names,
        "signed_up_at": moments,
        "acquisition_cost_cents": st.none() | st.integers(0, 5_000),
    }
    return st.lists(st.fixed_dictionaries(fields), max_size=2, unique_by=lambda row: row["customer_id"])


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the contract's tables, to be filled."""
    with connect("1GB", 1) as opened:
        rows.create_contract(opened)
        yield opened


def features(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: dict[str, list[Row]], shift: timedelta = timedelta(0)
) -> list[tuple[Any, ...]]:
    """Return every cell of customer_features over a lake, as_of and all rows moved by `shift`."""
    for name, content in lake.items():
        rows.given(connection, name, [_moved(row, shift) for row in content])
    try:
        make_features(connection, sql, AS_OF + shift, CUT_POINTS)
    except HistoryError:
        return []
    return connection.execute("select * from customer_features order by customer_id").fetchall()


def _moved(row: Row, shift: timedelta) -> Row:
    return {name: value + shift if isinstance(value, datetime) else value for name, value in row.items()}


def lake_of(before: st.SearchStrategy[datetime], early: str, late: str) -> st.SearchStrategy[dict[str, list[Row]]]:
    """A random lake of rows in `before`; its customers' records are of the ids between `early` and `late`."""
    names = st.sampled_from([name for name in "abc" if early <= name <= late])
    return st.fixed_dictionaries(
        {"orders": orders(before), "events": events(before), "customers": people(names, before)}
    )


@given(seen=lake_of(past, "a", "b"), one=lake_of(future, "c", "c"), other=lake_of(future, "c", "c"), shift=SHIFT)
@settings(max_examples=examples(0.2), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_at_or_after_as_of_reaches_a_feature(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    seen: dict[str, list[Row]],
    one: dict[str, list[Row]],
    other: dict[str, list[Row]],
    shift: timedelta,
) -> None:
    """Lakes with the same past and any two futures (longer, shorter, none) have the same features, at any cutoff."""
    nothing: dict[str, list[Row]] = {name: [] for name in seen}
    found = [
        features(connection, sql, {name: seen[name] + ahead[name] for name in seen}, shift)
        for ahead in (one, other, nothing)
    ]
    assert found[0] == found[1] == found[2]
    buyers = {row["customer_id"] for row in seen["orders"] if not row["is_return"]}
    assert {row[0] for row in found[2]} == buyers


def test_the_check_sees_a_leak(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> None:
    """The same comparison does tell two lakes apart that differ in the last instant before as_of."""
    first, second = rows.order(30, 100), rows.order(0, 100, ticks=-1)
    assert features(connection, sql, {"orders": [first]}) != features(connection, sql, {"orders": [first, second]})
