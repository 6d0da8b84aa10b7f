"""A request's contract, customer by customer, and its rows as the relations that the SQL reads."""

from datetime import datetime
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from regulars.requests import Customer, bind, validate_customers
from regulars.schema import TABLES
from regulars.sql import SqlFolder

ORDER = {"ordered_at": "2025-05-01T10:00:00Z", "order_value": 42.5}
GOOD: dict[str, Any] = {"customer_id": "c", "orders": [ORDER]}
SECRET = "jane@example.com"  # noqa: S105 - stands for what must not be repeated


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"orders": [ORDER]}, "customer_id: field required"),
        ({**GOOD, "customer_id": ""}, "customer_id: string should have at least 1 character"),
        ({**GOOD, "customer_id": 7}, "customer_id: input should be a valid string"),
        ({**GOOD, "orders": []}, "orders: list should have at least 1 item"),
        ({**GOOD, "email": SECRET}, "email: extra inputs are not permitted"),
        ({**GOOD, "acquisition_cost": -1}, "acquisition_cost: input should be greater than or equal to 0"),
        ({**GOOD, "signed_up_at": SECRET}, "signed_up_at: no instant between 1970 and 2199"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "20240301x"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": 20240301}]}, "orders.0.ordered_at: an instant is text"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "2024"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "0001-01-01T00:00:00+05:00"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "9999-12-31T23:59:59-05:00"}]}, "orders.0.ordered_at: no instant"),
        (
            {**GOOD, "orders": [ORDER, {**ORDER, "order_value": SECRET}]},
            "orders.1.order_value: input should be a valid",
        ),
        ({**GOOD, "orders": [{**ORDER, "order_value": float("nan")}]}, "orders.0.order_value: input should be"),
        ({**GOOD, "orders": [{**ORDER, "order_value": float("inf")}]}, "orders.0.order_value: input should be"),
        ({**GOOD, "orders": [{**ORDER, "order_value": 1e13}]}, "orders.0.order_value: input should be less than"),
        ({**GOOD, "orders": [{"order_value": 1}]}, "orders.0.ordered_at: field required"),
        ({**GOOD, "events": [{"kind": "site_visit"}]}, "events.0.occurred_at: field required"),
        (None, "input should be a valid dictionary"),
        (SECRET, "input should be a valid dictionary"),
    ],
)
def test_one_bad_customer_is_rejected_with_place_and_cause(bad: object, reason: str) -> None:
    """The others are good, and the reason never repeats what was sent."""
    good, [rejected] = validate_customers([GOOD, bad, {**GOOD, "customer_id": "d"}])
    assert list(good) == [0, 2]
    assert rejected.index == 1
    assert reason in rejected.reason
    assert SECRET not in rejected.reason


def test_the_second_of_two_with_one_id_is_rejected() -> None:
    good, [rejected] = validate_customers([GOOD, GOOD])
    assert (list(good), rejected.index) == ([0], 1)
    assert rejected.reason == "customer_id: the same as that of customer 0 of this request"


def test_many_faults_are_said_in_one_line() -> None:
    _, [rejected] = validate_customers([{**GOOD, "orders": [{"order_value": 1}] * 9}])
    assert rejected.reason.endswith("; and 4 more")
    assert "\n" not in rejected.reason


def customers(*raw: dict[str, Any]) -> list[Customer]:
    return [Customer.model_validate(one) for one in raw]


def bound(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, raw: list[dict[str, Any]], query: str, minor_units: int = 2
) -> list[tuple[Any, ...]]:
    bind(connection, sql, customers(*raw), minor_units)
    return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    "moment", ["2025-05-01T10:00:00Z", "2025-05-01T12:00:00+02:00", "2025-05-01T10:00:00", "2025-05-01 10:00"]
)
def test_instants_are_utc_unless_they_have_an_offset(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, moment: str
) -> None:
    raw = [{**GOOD, "orders": [{**ORDER, "ordered_at": moment}]}]
    found = bound(connection, sql, raw, "select ordered_at, ordered_at_s from orders")
    assert found == [(datetime(2025, 5, 1, 10), 1_746_093_600)]  # noqa: DTZ001 - as the lake keeps it


def test_relations_have_the_lakes_own_columns(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> None:
    bind(connection, sql, customers(GOOD), 2)
    for table in (TABLES["orders"], TABLES["customers"], TABLES["events"]):
        found = {row[0]: str(row[1]) for row in connection.execute(f"describe {table.name}").fetchall()}
        assert {column.lake_name: column.lake_type for column in table.columns}.items() <= found.items()
    query = "select quantity, discount_cents, margin_cents from orders"
    assert connection.execute(query).fetchall() == [(None, None, None)]
    assert connection.execute("select acquisition_cost_cents, signed_up_at from customers").fetchall() == [(None, None)]


def test_a_negative_value_is_a_return_and_so_is_one_that_says_so(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder
) -> None:
    """As at ingest, a return that is written with a positive value is turned round."""
    orders = [
        {"ordered_at": f"2025-05-0{day}", "order_value": value, "is_return": said}
        for day, value, said in ((1, 5, None), (2, -5, None), (3, 7, True), (4, -7, True))
    ]
    found = bound(
        connection, sql, [{**GOOD, "orders": orders}], "select is_return, order_value_cents from orders order by 2"
    )
    assert found == [(True, -700), (True, -700), (True, -500), (False, 500)]


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
def test_money_is_rounded_as_ingest_rounds_it(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, value: float, minor_units: int, expected: int
) -> None:
    """To whole minor units, half away from zero, of the decimal that was written."""
    raw = [{**GOOD, "orders": [{**ORDER, "order_value": value}]}]
    assert bound(connection, sql, raw, "select order_value_cents from orders", minor_units) == [(expected,)]


@given(cents=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cents_sent_as_a_fraction_come_back_exactly(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, cents: list[int]
) -> None:
    orders = [
        {"ordered_at": "2025-05-01", "order_id": str(place), "order_value": value / 100}
        for place, value in enumerate(cents)
    ]
    found = bound(connection, sql, [{**GOOD, "orders": orders}], "select order_id, order_value_cents from orders")
    assert {int(place): value for place, value in found} == dict(enumerate(cents))
