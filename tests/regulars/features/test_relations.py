"""Features: as_of is an explicit instant, nulls are NaN; neither row order nor other customers change a cell."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from regulars.data.lake import attach, view
from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder, connect
from regulars.errors import HistoryError
from regulars.features.cut_points import collapsed
from regulars.features.relations import make_features, make_features_learning, write_features
from regulars.features.table import FeatureTable
from regulars.instants import as_of_params, parse_as_of

AS_OF = datetime(2025, 7, 1, tzinfo=UTC)
CUTS = [
    (measure, cut, cut * step)
    for measure, step in (("recency", 60), ("frequency", 2), ("monetary", 10_000))
    for cut in (1, 2, 3, 4)
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-30", datetime(2026, 6, 30, tzinfo=UTC)),
        ("2026-06-30T12:30:00Z", datetime(2026, 6, 30, 12, 30, tzinfo=UTC)),
        ("2026-06-30 12:30:00", datetime(2026, 6, 30, 12, 30, tzinfo=UTC)),
        ("2026-06-30T01:00:00+02:00", datetime(2026, 6, 29, 23, tzinfo=UTC)),
        (datetime(2026, 6, 30, tzinfo=UTC).date(), datetime(2026, 6, 30, tzinfo=UTC)),
    ],
)
def test_as_of_is_utc_unless_it_has_an_offset(text: str, expected: datetime) -> None:
    assert parse_as_of(text) == expected
    assert parse_as_of(text).tzinfo == UTC


@pytest.mark.parametrize("text", ["", "yesterday", "30.06.2026", "2026-13-01"])
def test_the_error_for_a_wrong_date_says_how_to_write_one(text: str) -> None:
    with pytest.raises(HistoryError, match="write it like 2026-06-30"):
        parse_as_of(text)


def test_as_of_keeps_its_microseconds() -> None:
    params = as_of_params(datetime(2026, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    assert params == {"as_of": "2026-01-01 00:00:01.000005", "as_of_s": 1_767_225_601}


def test_as_of_before_every_order_names_the_first_one(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path
) -> None:
    attach(connection, lake)
    with pytest.raises(HistoryError, match=r"no order before as_of 2020-01-01 00:00Z \(the first is at 2023-07"):
        make_features(connection, sql, datetime(2020, 1, 1, tzinfo=UTC), [])


SCRAMBLED = {
    "orders": "* replace (order_value_cents * 7 + 1 as order_value_cents, not is_return as is_return)",
    "customers": "* replace (1 as acquisition_cost_cents)",
    "events": "* replace ('site_visit' as kind)",
}


@pytest.mark.parametrize("days", [37.3, 200, 401.000001])
def test_rewriting_or_deleting_the_future_changes_no_cell(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path, days: float
) -> None:
    """A whole simulated lake, at cutoffs inside it; a rewritten future also has added rows."""
    as_of = AS_OF - timedelta(days=days)
    moment = f"timestamp '{as_of:%Y-%m-%d %H:%M:%S.%f}'"
    tables = []
    for future in ("as it is", "none", "rewritten"):
        attach(connection, lake)
        for name, rewritten in SCRAMBLED.items():
            time = TABLES[name].time
            later = {"as it is": "*", "none": "* replace (null as customer_id)", "rewritten": rewritten}[future]
            query = f"select * from {name} where not {time} >= {moment} union all select {later} from {name} "
            connection.execute(f"create or replace temp table given_{name} as {query} where {time} >= {moment}")
            if future != "as it is":
                connection.execute(f"delete from given_{name} where customer_id is null")
            if future == "rewritten":
                more = f"select * replace ({moment} as {time}) from {name} using sample 500 (reservoir, 7)"
                connection.execute(f"insert into given_{name} {more}")
            connection.execute(f"create or replace temp view {name} as select * from given_{name}")
        make_features(connection, sql, as_of, CUTS)
        tables.append(FeatureTable.read(connection))
    assert len(tables[0]) > 500
    assert same(tables[0], tables[1])
    assert same(tables[0], tables[2])


def table_of(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path, where: str, order: str) -> FeatureTable:
    """Return features of some customers of the lake, its rows in some order, with fixed cut points."""
    attach(connection, lake)
    for name in ("orders", "customers", "events"):
        chosen = f"select * from {name} where {where} order by {order}"
        connection.execute(f"create or replace temp table chosen_{name} as {chosen}")
        connection.execute(f"create or replace temp view {name} as select * from chosen_{name}")
    make_features(connection, sql, AS_OF, CUTS)
    return FeatureTable.read(connection)


def same(table: FeatureTable, other: FeatureTable) -> bool:
    """Return whether two tables are the same to the bit."""
    return table.customer_ids.tolist() == other.customer_ids.tolist() and all(
        table.columns[name].tobytes() == other.columns[name].tobytes() for name in table.columns
    )


def test_row_order_and_threads_change_nothing(sql: SqlFolder, lake: Path, tmp_path: Path) -> None:
    """The files are the same to the byte."""
    files: list[Path] = []
    for threads, order in ((1, "1"), (1, "hash(random())"), (2, "hash(random())")):
        files.append(tmp_path / f"{len(files)}.parquet")
        with connect("1GB", threads) as connection:
            assert len(table_of(connection, sql, lake, "true", order)) > 1_000
            write_features(connection, AS_OF, files[-1])
    assert files[0].read_bytes() == files[1].read_bytes() == files[2].read_bytes()


def test_one_order_only_returns_and_a_hundred_thousand_orders(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder
) -> None:
    """In one table; the customer `many` has an order in each of the last 100,000 hours."""
    connection.execute(
        """create temp table given_orders as
        select 'one' as customer_id, timestamp '2025-06-01' as ordered_at, 1000::bigint as order_value_cents, false as r
        union all select 'returner', timestamp '2025-06-01', -1000, true
        union all select 'many', timestamp '2025-07-01' - to_hours(n), n, false from range(1, 100001) t(n)"""
    )
    columns = "customer_id, null::varchar as order_id, ordered_at, order_value_cents, r as is_return"
    view(connection, TABLES["orders"], f"(select {columns} from given_orders)")
    for name in ("customers", "events"):
        view(connection, TABLES[name], None)
    make_features(connection, sql, AS_OF, CUTS)
    table = FeatureTable.read(connection)
    assert table.customer_ids.tolist() == ["many", "one"]
    row = {name: values[0] for name, values in table.columns.items()}
    assert (row["order_count"], row["spend_cents"]) == (100_000, 100_000 * 100_001 / 2)
    assert (row["orders_30d"], row["spend_30d_cents"]) == (720, 720 * 721 / 2)
    assert (row["gap_mean_days"], row["gap_max_days"], row["gap_std_days"]) == (1, 1, 0)
    assert (row["repeat_days"], row["first_order_cents"]) == (100_000 // 24, 100_000)
    alone = {name: values[1] for name, values in table.columns.items()}
    assert (alone["order_count"], alone["recency_days"], alone["repeat_days"]) == (1, 30, 0)
    assert np.isnan(
        [alone[name] for name in ("gap_mean_days", "overdue_ratio", "engagement_score", "ltv_to_cac")]
    ).all()


def test_a_split_by_customer_gives_the_same_rows(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path
) -> None:
    whole = table_of(connection, sql, lake, "true", "1")
    buckets = [f"md5_number_lower(customer_id) % 3 = {bucket}" for bucket in range(3)]
    parts = [table_of(connection, sql, lake, where, "1") for where in buckets]
    ids = np.concatenate([part.customer_ids for part in parts])
    order = np.argsort(ids)
    columns = {name: np.concatenate([part.columns[name] for part in parts])[order] for name in whole.columns}
    assert min(len(part) for part in parts) > 300
    assert same(whole, FeatureTable(ids[order], columns))


def test_nulls_become_nan_and_matrix_is_in_the_order_asked_for() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t as values ('b', 1, null::double), ('a', 2, 0.5)")
        connection.execute("create view v as select col0 as customer_id, col1 as n, col2 as x from t")
        table = FeatureTable.read(connection, "v")
    assert table.customer_ids.tolist() == ["a", "b"]
    matrix = table.matrix(["x", "n"])
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, [[0.5, 2], [np.nan, 1]])


def test_the_feature_file_has_its_as_of(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, lake: Path, tmp_path: Path
) -> None:
    attach(connection, lake)
    make_features_learning(connection, sql, AS_OF)
    rows = write_features(connection, AS_OF, tmp_path / "features.parquet")
    query = "select count(*), count(distinct customer_id), min(as_of), max(as_of) from read_parquet($file)"
    summary = connection.execute(query, {"file": str(tmp_path / "features.parquet")}).fetchall()
    assert summary == [(rows, rows, AS_OF.replace(tzinfo=None), AS_OF.replace(tzinfo=None))]


def test_collapsed_cut_points_are_warned_of_by_measure() -> None:
    equal = [("frequency", number, 1) for number in (1, 2, 3)] + [("frequency", 4, 9)]
    different = [("monetary", number, number * 100) for number in (1, 2, 3, 4)]
    [warning] = collapsed([*equal, *different])
    assert "frequency" in warning
    assert "only 3 of 5 scores" in warning
