"""A request's rows as relations for the SQL."""

from datetime import datetime
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.api.contract.customers import Customer
from regulars.api.requests.history_features import contract, send
from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder
from tests.properties import examples

ORDER = {"ordered_at": "2025-05-01T10:00:00Z", "order_value": 42.5}
GOOD: dict[str, Any] = {"customer_id": "c", "orders": [ORDER]}


def customers(*raw: dict[str, Any]) -> list[Customer]:
    return [Customer.model_validate(customer) for customer in raw]


def bound(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, raw: list[dict[str, Any]], query: str, minor_units: int = 2
) -> list[tuple[Any, ...]]:
    connection.execute("create or replace temp table sent_customers (customers varchar)")
    send(connection, customers(*raw))
    return connection.execute(f"with {contract(sql, minor_units)} {query}").fetchall()


@pytest.mark.parametrize(
    "moment",
    [
        "2025-05-01T10:00:00Z",
        "2025-05-01T12:00:00+02:00",
        "2025-05-01T10:00:00",
        "2025-05-01 10:00",
        "2025-05-01T09:15-00:45",
    ],
)
def test_instants_are_utc_unless_they_have_an_offset(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, moment: str
) -> None:
    raw = [{**GOOD, "orders": [{**ORDER, "ordered_at": moment}]}]
    rows = bound(connection, sql, raw, "select ordered_at, ordered_at_s from orders")
    assert rows == [(datetime(2025, 5, 1, 10), 1_746_093_600)]  # noqa: DTZ001 - as in the lake


def test_relations_have_the_lakes_own_columns(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> None:
    for table in (TABLES["orders"], TABLES["customers"], TABLES["events"]):
        types = ", ".join(f"typeof(any_value({column.lake_name}))" for column in table.columns)
        [row] = bound(connection, sql, [GOOD], f"select {types} from {table.name}")
        assert row == tuple(column.lake_type for column in table.columns)
    nothing = bound(connection, sql, [GOOD], "select quantity, discount_cents, margin_cents from orders")
    assert nothing == [(None, None, None)]
    unknown = bound(connection, sql, [GOOD], "select acquisition_cost_cents, signed_up_at from customers")
    assert unknown == [(None, None)]


def test_a_negative_value_is_a_return_and_so_is_a_marked_order(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder
) -> None:
    """As in ingest, a return with a positive value gets a negative one."""
    orders = [
        {"ordered_at": f"2025-05-0{day}", "order_value": value, "is_return": flag}
        for day, value, flag in ((1, 5, None), (2, -5, None), (3, 7, True), (4, -7, True))
    ]
    rows = bound(
        connection, sql, [{**GOOD, "orders": orders}], "select is_return, order_value_cents from orders order by 2"
    )
    assert rows == [(True, -700), (True, -700), (True, -500), (False, 500)]


@pytest.mark.parametrize(
    ("value", "minor_units", "expected"),
    [
        (42.5, 2, 4250),
        (1.005, 2, 101),
        (-2.675, 2, -268),
        (0.1, 0, 0),
        (999.5, 0, 1000),
        (1.2345, 3, 1235),
        (0.0, 2, 0),
    ],
)
def test_money_is_rounded_as_in_ingest(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, value: float, minor_units: int, expected: int
) -> None:
    """To whole minor units, from the decimal as written, half away from zero."""
    raw = [{**GOOD, "orders": [{**ORDER, "order_value": value}]}]
    assert bound(connection, sql, raw, "select order_value_cents from orders", minor_units) == [(expected,)]


@given(cents=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50))
@settings(max_examples=examples(0.15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cents_sent_as_a_fraction_are_read_exactly(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, cents: list[int]
) -> None:
    orders = [
        {"ordered_at": "2025-05-01", "order_id": str(place), "order_value": value / 100}
        for place, value in enumerate(cents)
    ]
    rows = bound(connection, sql, [{**GOOD, "orders": orders}], "select order_id, order_value_cents from orders")
    assert {int(place): value for place, value in rows} == dict(enumerate(cents))
