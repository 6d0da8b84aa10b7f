"""The lake's views: every contract column, null where the user has none, and time as two integers."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from regulars.data.lake import attach, finish, read_info, view
from regulars.data.schema import ORDERS, TABLES
from regulars.errors import LakeError

ORDER = "select 'c' as customer_id, timestamp '2025-03-01 12:00:00' as ordered_at, 999::bigint as order_value_cents"


def write(connection: duckdb.DuckDBPyConnection, lake: Path, table: str, query: str) -> None:
    (lake / table).mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy ({query}) to '{lake / table / 'part.parquet'}' (format parquet)")


def columns(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {row[0]: str(row[1]) for row in connection.execute(f"describe {relation}").fetchall()}


def test_three_columns_of_orders_are_enough(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """All other columns are null and other tables empty, with the right types."""
    write(connection, tmp_path, "orders", ORDER)
    finish(connection, tmp_path, "EUR", 2)
    attach(connection, tmp_path)
    for table in TABLES.values():
        types = columns(connection, table.name)
        assert {column.lake_name: column.lake_type for column in table.columns}.items() <= types.items()
        assert types[f"{table.time}_s"] == types[f"{table.time}_day"] == "BIGINT"
    assert connection.execute("select order_id, margin_cents from orders").fetchall() == [(None, None)]
    assert connection.execute("select count(*) from customers").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("text", "seconds", "day"),
    [
        ("1970-01-01 00:00:00", 0, 0),
        ("1970-01-02 23:59:59.999999", 172_799, 1),
        ("1969-12-31 23:59:59.999999", -1, -1),
        ("2024-02-29 12:00:00", 1_709_208_000, 19_782),
    ],
)
def test_time_as_integers(connection: duckdb.DuckDBPyConnection, text: str, seconds: int, day: int) -> None:
    """Whole seconds and days since 1970, rounded down."""
    view(connection, ORDERS, f"({ORDER.replace('2025-03-01 12:00:00', text)})")
    assert connection.execute("select ordered_at_s, ordered_at_day from orders").fetchall() == [(seconds, day)]


def test_a_column_of_the_user_cannot_replace_the_integers(connection: duckdb.DuckDBPyConnection) -> None:
    view(connection, ORDERS, f"(select *, -5 as ordered_at_s from ({ORDER}))")
    assert connection.execute("select ordered_at_day from orders where ordered_at_s > 0").fetchall() == [(20_148,)]


def test_lake_json_says_what_is_inside(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(connection, tmp_path, "orders", ORDER)
    info = finish(connection, tmp_path, "JPY", 0)
    assert info == read_info(tmp_path)
    assert set(info.tables) == {"orders"}
    first = info.tables["orders"].first
    assert first is not None
    assert first.replace(tzinfo=UTC) == datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_the_error_for_a_missing_lake_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r'lake\.json is missing; make one with "regulars ingest" or'):
        read_info(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "{}", '{"currency": "EUR", "minor_units": 2, "tables": {}, "more": 1}'])
def test_an_unreadable_description_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "lake.json").write_text(content)
    with pytest.raises(LakeError, match="not readable as a lake's description; ingest again"):
        read_info(tmp_path)


def test_a_lake_without_orders_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "lake.json").write_text(json.dumps({"currency": "EUR", "minor_units": 2, "tables": {}}))
    with pytest.raises(LakeError, match="orders has no Parquet file"):
        attach(connection, tmp_path)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (ORDER.replace("ordered_at", "sold_at"), "column ordered_at is missing"),
        (ORDER.replace("::bigint", "::double"), "order_value_cents is DOUBLE, the lake keeps BIGINT"),
        (f"select * replace (ordered_at::timestamptz as ordered_at) from ({ORDER})", "ordered_at is TIMESTAMP WITH"),
    ],
)
def test_a_wrong_column_is_named(connection: duckdb.DuckDBPyConnection, query: str, message: str) -> None:
    with pytest.raises(LakeError, match=message):
        view(connection, ORDERS, f"({query})")


@pytest.mark.parametrize("name", ["Anna's shop", "lake[1]", "lake*", "lake?", "[", "customer_id=other"])
def test_a_folder_of_any_name_is_read(connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    """Only this folder: `lake[1]` is a glob that matches `lake1`."""
    write(connection, tmp_path / "lake1", "orders", f"{ORDER} union all {ORDER}")
    lake = tmp_path / name
    (lake / "orders").mkdir(parents=True)
    connection.execute(f"copy ({ORDER}) to $file (format parquet)", {"file": str(lake / "orders" / "part.parquet")})
    finish(connection, lake, "EUR", 2)
    attach(connection, lake)
    assert connection.execute("select customer_id from orders").fetchall() == [("c",)]


def test_a_damaged_file_is_named(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(connection, tmp_path, "orders", ORDER)
    finish(connection, tmp_path, "EUR", 2)
    whole = (tmp_path / "orders" / "part.parquet").read_bytes()
    for content in (whole[: len(whole) // 2], b"no Parquet at all", b"", bytes(200)):
        (tmp_path / "orders" / "stray.parquet").write_bytes(content)
        with pytest.raises(LakeError, match=r"orders/stray\.parquet is damaged or not a Parquet file"):
            attach(connection, tmp_path)


def test_other_files_beside_the_tables_do_not_matter(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(connection, tmp_path, "orders", ORDER)
    finish(connection, tmp_path, "EUR", 2)
    (tmp_path / "orders" / "notes.txt").write_text("by hand")
    (tmp_path / "orders" / "spark.parquet").mkdir()
    attach(connection, tmp_path)
    assert connection.execute("select count(*) from orders").fetchall() == [(1,)]


def test_a_description_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lake.json").mkdir()
    with pytest.raises(LakeError, match=r"lake\.json is not readable as a lake's description; ingest again"):
        read_info(tmp_path)


def test_the_error_for_a_wrong_type_names_the_tables_folder(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(connection, tmp_path, "orders", ORDER.replace("::bigint", "::double"))
    finish(connection, tmp_path, "EUR", 2)
    with pytest.raises(
        LakeError, match=r"/orders: column order_value_cents is DOUBLE, the lake keeps BIGINT"
    ) as caught:
        attach(connection, tmp_path)
    assert "read_parquet" not in str(caught.value)


def test_a_customer_twice_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(connection, tmp_path, "orders", ORDER)
    finish(connection, tmp_path, "EUR", 2)
    write(connection, tmp_path, "customers", "select unnest(['c', 'd', 'c']) as customer_id")
    with pytest.raises(LakeError, match="customers has 1 row too many: a customer_id may occur once"):
        attach(connection, tmp_path)
