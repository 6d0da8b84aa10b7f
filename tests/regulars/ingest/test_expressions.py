"""Map expressions: what is allowed, what becomes of text, and what the messages name."""

from collections.abc import Iterator

import duckdb
import pytest

from regulars.errors import MapError, SourceError
from regulars.expressions.compiler import Source, compile_expression

COLUMNS = {"Invoice": "VARCHAR", "Quantity": "VARCHAR", "Price": "VARCHAR", "Customer ID": "VARCHAR", "count": "BIGINT"}
SOURCE = Source("lines.csv", COLUMNS)
ROW = "select 'C7' as Invoice, '3' as Quantity, '2.50' as Price, ' 42 ' as \"Customer ID\", cast(9 as bigint) as count"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quantity * Price", 7.5),
        ("-Quantity", -3.0),
        ("round(Price)", 3.0),
        ("quantity", 3.0),
        ("coalesce(Price, 0)", 2.5),
        ("nullif(Price, 2.5)", None),
        ("case when Price > 10 then 1 else Quantity end", 3.0),
        ("Quantity * replace(Price, '.', '')", 750.0),
        ("if(Quantity between 1 and 5, Price, 0)", 2.5),
        ("case when Quantity in (3, 10) then count end", 9),
    ],
)
def test_text_columns_count_as_numbers_where_numbers_are_wanted(
    connection: duckdb.DuckDBPyConnection, text: str, expected: float | None
) -> None:
    expression = compile_expression(connection, text, SOURCE, "[orders] order_value", numeric=True)
    assert connection.execute(f"select {expression.sql} from ({ROW})").fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Customer ID", " 42 "),
        ('trim("Customer ID")', "42"),
        ("starts_with(Invoice, 'C')", True),
        ("Invoice like 'C%' and Price > 2", True),
        ("cast(Invoice as integer)", None),
        ("strptime(Invoice, '%Y')", None),
        ("Invoice -- a comment", "C7"),
        ("Quantity || 'x'", "3x"),
    ],
)
def test_a_bad_cell_gives_null_and_text_stays_text(
    connection: duckdb.DuckDBPyConnection, text: str, expected: object
) -> None:
    expression = compile_expression(connection, text, SOURCE, "[orders] x")
    assert connection.execute(f"select {expression.sql} from ({ROW})").fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("(select 1)", "subquery"),
        ("sum(Price)", r"sum\(\)"),
        ("sum(Price) over ()", "window"),
        ("read_text('/etc/passwd')", r"read_text\(\)"),
        ("getenv('HOME')", r"getenv\(\)"),
        ("random()", r"random\(\)"),
        ("now()", r"now\(\)"),
        ("main.upper(Invoice)", r"upper\(\)"),
        ("x -> x", "lambda"),
        ("$1", "parameter"),
        ("*", "star"),
        ("Price, Quantity", r"row\(\)"),
        ("Price) from (select 1 as Price", "one expression"),
        ("Price), (Quantity", "one expression"),
        ("Price; drop table orders", "not a SQL expression"),
        ("Customer ID = 1", "double quotes"),
        ("1 as one", "not a SQL expression"),
    ],
)
def test_anything_but_a_scalar_expression_is_refused(
    connection: duckdb.DuckDBPyConnection, text: str, named: str
) -> None:
    with pytest.raises(MapError, match=named) as raised:
        compile_expression(connection, text, SOURCE, "[orders] order_value")
    assert "[orders] order_value" in str(raised.value)


def test_a_missing_column_is_named_with_the_nearest_and_all_there_are(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SourceError) as raised:
        compile_expression(connection, "Quantity * Prise", SOURCE, "[orders] order_value")
    message = str(raised.value)
    assert all(part in message for part in ("lines.csv", "'Prise'", "Quantity * Prise", '"Price"', "Customer ID"))


@pytest.mark.parametrize("text", ["Customer Number", "at", "current_date"])
def test_a_bare_name_that_is_no_column_is_a_missing_column(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    with pytest.raises(SourceError, match=f"no column '{text}'"):
        compile_expression(connection, text, SOURCE, "[orders] x")


def test_the_columns_that_were_read_are_told_as_the_file_spells_them(connection: duckdb.DuckDBPyConnection) -> None:
    assert compile_expression(connection, "price * QUANTITY", SOURCE, "x").columns == ("Price", "Quantity")
