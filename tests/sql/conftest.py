"""The relations that the SQL tests fill."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from regulars.data.sql import SqlFolder, connect
from tests.sql import rows

Given = Callable[[str, list[rows.Row]], None]
Made = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="session")
def relations(sql: SqlFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with every relation of the pipeline."""
    with connect("1GB", 1) as opened:
        rows.create(opened, sql)
        yield opened


@pytest.fixture
def connection(relations: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same, every relation empty."""
    rows.clear(relations)
    return relations


@pytest.fixture
def given(connection: duckdb.DuckDBPyConnection) -> Given:
    """`given("purchases", [{...}])`: every other relation is there, and empty."""
    return lambda name, content: rows.given(connection, name, content)


@pytest.fixture
def made(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> Made:
    """`made("rfm", "frequency")`: run the file, return the columns."""
    return lambda name, *columns: rows.made(connection, sql, name, *columns)
