"""sql/staging: given lines, expected orders, on an in-memory DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from regulars.data.sql import SqlFolder

SQL = SqlFolder(Path(__file__).parents[2] / "sql")
STAGED = """
create temp view staged_orders as
select customer_id, order_id, cast(ordered_at as timestamp) as ordered_at, cast(cents as bigint) as order_value_cents,
    cast(is_return as boolean) as is_return, cast(quantity as decimal(18, 6)) as quantity,
    cast(null as bigint) as discount_cents, cast(margin as bigint) as margin_cents,
    struct_pack(country := country) as attributes
from (values {rows}) as t (customer_id, order_id, ordered_at, cents, is_return, quantity, margin, country)
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def orders(connection: duckdb.DuckDBPyConnection, columns: str, *rows: str) -> list[tuple[object, ...]]:
    connection.execute(STAGED.format(rows=", ".join(rows)))
    SQL.materialise(connection, ["order_lines", "orders"], {})
    return connection.execute(f"select {columns} from orders order by all").fetchall()


def test_lines_of_an_order_are_summed(connection: duckdb.DuckDBPyConnection) -> None:
    staged = orders(
        connection,
        "order_id, strftime(ordered_at, '%H:%M'), order_value_cents, quantity, margin_cents, attributes.country",
        "('C', '1', '2024-01-01 10:05', 250, null, 2, 5, 'UK')",
        "('C', '1', '2024-01-01 10:00', 100, null, 0.5, 7, 'FR')",
    )
    assert staged == [("1", "10:00", 350, 2.5, 12, "FR")]


def test_without_an_order_id_one_customer_at_one_instant_is_one_order(connection: duckdb.DuckDBPyConnection) -> None:
    staged = orders(
        connection,
        "order_id, order_value_cents",
        "('A', null, '2024-01-01', 1, null, 1, null, null)",
        "('A', null, '2024-01-01', 2, null, 1, null, null)",
        "('A', null, '2024-01-02', 4, null, 1, null, null)",
        "('B', null, '2024-01-01', 8, null, 1, null, null)",
    )
    assert [value for _, value in staged] == [3, 4, 8]
    assert len({order_id for order_id, _ in staged}) == 3


def test_a_return_is_negative_whatever_its_sign_was(connection: duckdb.DuckDBPyConnection) -> None:
    """A negative value is a return, even if it is not marked as one."""
    staged = orders(
        connection,
        "order_id, is_return, order_value_cents, quantity, margin_cents",
        "('A', 'negative', '2024-01-01', -5, null, -1, -2, null)",
        "('A', 'positive', '2024-01-01', 5, true, 1, 2, null)",
        "('A', 'rebate', '2024-01-01', -5, false, 1, 2, null)",
    )
    assert staged == [
        ("negative", True, -5, -1.0, -2),
        ("positive", True, -5, -1.0, -2),
        ("rebate", True, -5, 1.0, 2),
    ]


def test_a_sale_and_its_return_with_one_order_id_stay_two_rows(connection: duckdb.DuckDBPyConnection) -> None:
    staged = orders(
        connection,
        "is_return, order_value_cents",
        "('A', '1', '2024-01-01', 9, false, 1, null, null)",
        "('A', '1', '2024-01-03', 9, true, 1, null, null)",
    )
    assert staged == [(False, 9), (True, -9)]
