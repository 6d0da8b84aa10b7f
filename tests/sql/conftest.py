"""The relations that the SQL tests fill."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from regulars.data.sql import SqlFolder, connect
from tests.sql import rows

Given = Callable[[str, list[rows.Row]], None]
RunSql = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="session")
def relations(sql: SqlFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with every relation of the pipeline."""
    with connect("1GB", 1) as opened:
        rows.create(opened, sql)
        yield opened


@pytest.fixture
def connection(relations: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same, with all relations empty."""
    rows.clear(relations)
    return relations


@pytest.fixture
def given(connection: duckdb.DuckDBPyConnection) -> Given:
    """`given("purchases", [{...}])`: fill a relation; others stay empty."""
    return lambda name, content: rows.given(connection, name, content)


@pytest.fixture
def run_sql(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> RunSql:
    """`run_sql("rfm", "frequency")`: run the file and return these columns."""
    return lambda name, *columns: rows.run_sql(connection, sql, name, *columns)
