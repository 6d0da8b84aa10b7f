"""The feature dictionary describes every column, and the page is up to date."""

from pathlib import Path

import duckdb
import pytest

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.errors import BundleError
from regulars.features.columns import TABLE, feature_columns
from regulars.features.relations import make_features_learning
from tests.conftest import AS_OF
from tools.docs.feature_dictionary import PAGE, page

NOT_NULL = "never"


def test_every_column_has_a_description(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path) -> None:
    """In the order of the table, each name once."""
    attach(connection, lake)
    make_features_learning(connection, sql, AS_OF)
    columns = [row[0] for row in connection.execute(f"describe {TABLE}").fetchall()]
    assert [feature.name for feature in feature_columns(sql)] == columns
    assert len(set(columns)) == len(columns) > 45


def test_a_column_that_is_never_null_has_no_null(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path
) -> None:
    attach(connection, lake)
    make_features_learning(connection, sql, AS_OF)
    for feature in feature_columns(sql):
        [(nulls,)] = connection.execute(f"select count(*) - count({feature.name}) from {TABLE}").fetchall()
        assert feature.null != NOT_NULL or nulls == 0, feature.name


def test_the_page_is_up_to_date(sql: SqlFolder) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(sql), "run python -m tools.docs.feature_dictionary"


def test_a_column_without_a_comment_is_named(sql: SqlFolder, tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    text = sql.relations[TABLE].text.replace(" -- days | since the last order | never", "")
    (tmp_path / "features" / f"{TABLE}.sql").write_text(text)
    with pytest.raises(BundleError, match=r"customer_features\.sql: recency_days has no comment"):
        feature_columns(SqlFolder(tmp_path))
