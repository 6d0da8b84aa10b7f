"""rfm, rfm_histogram, rfm_cut_points and rfm_scores: exact quantiles, learnt once and applied by comparison."""

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from regulars.data.sql import SqlFolder
from regulars.features.cut_points import bind_cut_points, cut_points_of_histogram, learn_cut_points
from tests.properties import examples
from tests.sql import rows
from tests.sql.conftest import Given, RunSql

SCORES = ("recency_score", "frequency_score", "monetary_score")
MEASURES = ("recency", "frequency", "monetary")
COLUMNS = ("recency_days", "frequency", "monetary_cents")
SHARED = settings(
    max_examples=examples(0.25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def customers(values: list[int]) -> list[rows.Row]:
    """One customer per value, the same in all three measures."""
    return [{"customer_id": f"{n:03}", **dict.fromkeys(COLUMNS, value)} for n, value in enumerate(values)]


def test_rfm_is_exact_integers(given: Given, run_sql: RunSql) -> None:
    as_of_s = int(rows.AS_OF.timestamp())
    for seconds, days in ((86_399, 0), (86_400, 1), (90 * 86_400 - 1, 89), (20_000 * 86_400, 20_000)):
        last = {"last_order_s": as_of_s - seconds, "order_count": 3, "spend_cents": 4200}
        given("purchases", [{"customer_id": "c", **last}])
        assert run_sql("rfm", *COLUMNS) == [(days, 3, 4200)]


def test_a_histogram_counts_the_customers_of_each_amount(given: Given, run_sql: RunSql) -> None:
    given("rfm", customers([7, 7, 7, 9]))
    counted = [(measure, *row) for measure in sorted(MEASURES) for row in ((7, 3), (9, 1))]
    assert run_sql("rfm_histogram", "measure", "amount", "customers") == counted


@for_all(values=st.lists(st.integers(-9, 9), min_size=2, max_size=40), split=st.integers(1, 39))
@SHARED
def test_histograms_of_parts_add_up_to_the_cut_points_of_all(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, values: list[int], split: int
) -> None:
    parts = []
    for part in (values[:split], values[split:]):
        rows.given(connection, "rfm", customers(part))
        parts += rows.run_sql(connection, sql, "rfm_histogram", "measure", "amount", "customers")
    rows.given(connection, "rfm", customers(values))
    whole = learn_cut_points(connection, sql)
    names = ("measure", "amount", "customers")
    rows.given(connection, "rfm_histogram", [dict(zip(names, row, strict=True)) for row in parts])
    assert cut_points_of_histogram(connection, sql) == whole


@for_all(values=st.lists(st.one_of(st.integers(1, 8), st.integers(-(2**60), 2**60)), min_size=1, max_size=40))
@SHARED
def test_cut_points_are_the_exact_discrete_quantiles(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, values: list[int]
) -> None:
    """The k-th cut point is the smallest value with at least k fifths of the customers at or below it."""
    rows.given(connection, "rfm", customers(values))
    cut_points = learn_cut_points(connection, sql)
    ranked = np.sort(np.array(values, dtype=np.int64))
    # Quantile positions in integers: numpy's own k / 5 is not exact, 3 / 5 of 5 customers is 3.0000000000000004.
    expected = [(cut, int(ranked[-(-cut * len(values) // 5) - 1])) for cut in (1, 2, 3, 4)]
    assert cut_points == [(measure, *cut) for measure in sorted(MEASURES) for cut in expected]
    if len(values) % 5:
        quantiles = np.quantile(ranked, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf").tolist()
        assert [value for _, value in expected] == quantiles


@for_all(
    values=st.lists(st.integers(-50, 50), min_size=1, max_size=40), other=st.lists(st.integers(-60, 60), max_size=20)
)
@SHARED
def test_scores_are_one_plus_the_cut_points_below(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, values: list[int], other: list[int]
) -> None:
    """Also for customers of whom nothing was learnt: 1 to 5, monotone, equal values have equal scores."""
    rows.given(connection, "rfm", customers(values))
    cut_points = learn_cut_points(connection, sql)
    rows.given(connection, "rfm", customers(values + other))
    bind_cut_points(connection, cut_points)
    scores = rows.run_sql(connection, sql, "rfm_scores", "customer_id", *SCORES, "rfm_cell")
    cuts = [value for measure, _, value in cut_points if measure == "monetary"]
    for value, (_, recency, frequency, monetary, cell) in zip(values + other, scores, strict=True):
        assert monetary == frequency == 1 + sum(value > cut for cut in cuts)
        assert recency == 6 - monetary
        assert 1 <= monetary <= 5
        assert str(cell) == f"{recency}{frequency}{monetary}"


def test_five_equal_groups_get_the_five_scores(
    given: Given, run_sql: RunSql, connection: duckdb.DuckDBPyConnection, sql: SqlFolder
) -> None:
    given("rfm", customers([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
    cut_points = learn_cut_points(connection, sql)
    assert [row[2] for row in cut_points if row[0] == "frequency"] == [2, 4, 6, 8]
    bind_cut_points(connection, cut_points)
    assert [row[0] for row in run_sql("rfm_scores", "frequency_score")] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert run_sql("rfm_scores", "recency_score", "frequency_score")[0] == (1, 5)


@pytest.mark.parametrize(
    ("orders", "scores"),
    [
        ([1] * 10, {1: (5, 1, 1)}),
        ([1] * 7 + [2] * 2 + [9], {1: (5, 1, 1), 2: (2, 4, 4), 9: (1, 5, 5)}),
    ],
)
def test_collapsed_cut_points_leave_scores_out_and_never_split_a_tie(
    given: Given,
    run_sql: RunSql,
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    orders: list[int],
    scores: dict[int, object],
) -> None:
    given("rfm", customers(orders))
    cut_points = learn_cut_points(connection, sql)
    bind_cut_points(connection, cut_points)
    sql_scores = run_sql("rfm_scores", "customer_id", *SCORES)
    pairs = {(value, row[1:]) for value, row in zip(orders, sql_scores, strict=True)}
    assert pairs == set(scores.items())
