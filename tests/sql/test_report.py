"""sql/report: given orders, expected reports computed by hand."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from regulars.data.lake import view
from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder, connect
from regulars.instants import as_of_params, parse_as_of
from regulars_workbench.describe.relations import MEMBERS, REPORTED, needed
from tests.properties import examples

Sale = tuple[str, str, int]
"""Customer, instant, cents; a negative value is a return."""
Report = Callable[..., list[tuple[Any, ...]]]
SHARED = settings(
    max_examples=examples(0.15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

FLOWS: list[Sale] = [
    ("a", "2024-01-10", 100),
    ("a", "2024-02-10", 200),
    ("a", "2024-06-10", 400),
    ("b", "2024-01-20", 1000),
    ("b", "2024-04-02", -1000),  # a return is not an order: b stays lost
    ("c", "2024-03-31 23:59:59", 5000),
]


@pytest.fixture(scope="module")
def base() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the contract's relations, over tables that a test fills."""
    with connect("1GB", 1) as opened:
        for table in TABLES.values():
            columns = ", ".join(f"{column.lake_name} {column.lake_type}" for column in table.columns)
            opened.execute(f"create or replace temp table given_{table.name} ({columns})")
            view(opened, table, f"given_{table.name}")
        yield opened


@pytest.fixture
def report(base: duckdb.DuckDBPyConnection, sql: SqlFolder) -> Report:
    """`report(sales, as_of, "cohorts", "cohort_month", ...)`: the columns of a relation made from these sales."""

    def make(
        sales: Sequence[Sale], as_of: str, name: str, *columns: str, lost: int = 2, filled: Sequence[str] = ()
    ) -> list[tuple[Any, ...]]:
        base.execute("delete from given_orders")
        for number, (customer, moment, cents) in enumerate(sales):
            base.execute(
                "insert into given_orders (customer_id, order_id, ordered_at, order_value_cents, is_return) "
                "values (?, ?, cast(? as timestamp), ?, ?)",
                [customer, str(number), moment, cents, cents < 0],
            )
        params = {**as_of_params(parse_as_of(as_of)), "lost_after_months": lost}
        sql.materialise(base, needed(sql, [name], filled), params)
        return base.execute(f"select {', '.join(columns) or '*'} from {name} order by all").fetchall()

    return make


def month(number: int) -> date:
    return date(2024, number, 1)


@pytest.mark.parametrize(
    ("as_of", "last", "complete"),
    [("2024-07-01", 6, True), ("2024-07-01T00:00:00.000001Z", 7, False), ("2024-06-30T23:59:59Z", 6, False)],
)
def test_months_run_from_the_first_order_to_as_of(report: Report, as_of: str, last: int, complete: bool) -> None:  # noqa: FBT001 - a parameter
    """A month is complete when as_of is not inside it; a month that starts at as_of is left out."""
    rows = report(FLOWS, as_of, "months", "month", "is_complete")
    assert rows == [(month(number), number < last or complete) for number in range(1, last + 1)]


def test_months_are_calendar_months_over_a_leap_day_and_a_new_year(report: Report) -> None:
    sales = [
        ("a", "2023-12-31 23:59:59", 1),
        ("a", "2024-01-01", 10),
        ("a", "2024-02-29", 100),
        ("a", "2024-03-01", 1000),
    ]
    rows = report(sales, "2024-04-01", "monthly_revenue", "month", "revenue_cents")
    assert rows == [(date(2023, 12, 1), 1), (month(1), 10), (month(2), 100), (month(3), 1000)]


def test_monthly_revenue(report: Report) -> None:
    """A month without orders has zeros and no mean; returns count in the month of the return."""
    columns = ("month", "order_count", "active_customers", "revenue_cents", "return_count", "returned_cents")
    rows = report(FLOWS, "2024-07-01", "monthly_revenue", *columns, "net_revenue_cents", "mean_order_cents")
    assert rows == [
        (month(1), 2, 2, 1100, 0, 0, 1100, 550.0),
        (month(2), 1, 1, 200, 0, 0, 200, 200.0),
        (month(3), 1, 1, 5000, 0, 0, 5000, 5000.0),
        (month(4), 0, 0, 0, 1, -1000, -1000, None),
        (month(5), 0, 0, 0, 0, 0, 0, None),
        (month(6), 1, 1, 400, 0, 0, 400, 400.0),
    ]


KINDS = ("active", "new", "returning", "reactivated", "won_back", "lost", "current")
COUNTS = tuple(f"{kind}_customers" for kind in KINDS)


def test_customers_by_month(report: Report) -> None:
    """Lost after two whole months without an order: b in March, a in April until it returns in June, c in May."""
    rows = report(FLOWS, "2024-07-01", "customers_by_month", "month", *COUNTS)
    assert rows == [
        (month(1), 2, 2, 0, 0, 0, None, None),
        (month(2), 1, 0, 1, 0, 0, None, 2),
        (month(3), 1, 1, 0, 0, 0, 1, 2),
        (month(4), 0, 0, 0, 0, 0, 1, 1),
        (month(5), 0, 0, 0, 0, 0, 1, 0),
        (month(6), 1, 0, 0, 1, 1, 0, 1),
    ]
    money = ("new_revenue_cents", "returning_revenue_cents", "reactivated_revenue_cents")
    assert [row[1:] for row in report(FLOWS, "2024-07-01", "customers_by_month", "month", *money)] == [
        *((1100, 0, 0), (0, 200, 0), (5000, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 400))
    ]


def test_nobody_is_lost_before_the_month_is_over(report: Report) -> None:
    """In the last second of May c may still order; on the first of June c is lost, and June is still open."""
    columns = ("month", "lost_customers", "current_customers")
    assert report(FLOWS, "2024-05-31T23:59:59Z", "customers_by_month", *columns)[-1] == (month(5), None, None)
    assert report(FLOWS, "2024-06-01", "customers_by_month", *columns)[-1] == (month(5), 1, 0)
    assert report(FLOWS, "2024-06-15", "customers_by_month", *columns)[-2:] == [
        (month(5), 1, 0),
        (month(6), None, None),
    ]


def test_a_customer_who_orders_in_the_last_allowed_month_was_never_lost(report: Report) -> None:
    """Only February has no order; later April and May have none."""
    columns = ("month", "lost_customers", "won_back_customers", "current_customers")
    rows = report([("a", "2024-01-31", 1), ("a", "2024-03-31", 1)], "2024-07-01", "customers_by_month", *columns)
    assert [row[1:] for row in rows] == [(None, 0, None), (None, 0, 1), (0, 0, 1), (0, 0, 1), (1, 0, 0), (0, 0, 0)]


def test_cohorts(report: Report) -> None:
    """Two customers began in January; on 15 February, February has no share yet, and March has not begun."""
    columns = ("cohort_month", "months_since", "cohort_customers", "active_customers", "revenue_cents")
    rows = report(FLOWS[:4], "2024-02-15", "cohorts", *columns, "retention_share", "cumulative_customer_cents")
    assert rows == [(month(1), 0, 2, 2, 1100, 1.0, 550.0), (month(1), 1, 2, 1, 200, None, None)]
    rows = report(FLOWS, "2024-04-01", "cohorts", *columns, "retention_share", "cumulative_customer_cents")
    assert rows == [
        (month(1), 0, 2, 2, 1100, 1.0, 550.0),
        (month(1), 1, 2, 1, 200, 0.5, 650.0),
        (month(1), 2, 2, 0, 0, 0.0, 650.0),
        (month(3), 0, 1, 1, 5000, 1.0, 5000.0),
        (month(3), 1, 1, None, None, None, None),
        (month(3), 2, 1, None, None, None, None),
    ]


def spenders(cents: Sequence[int]) -> list[Sale]:
    return [(f"{number:03}", "2024-01-01", value) for number, value in enumerate(cents)]


def test_concentration_splits_a_customer_and_ties_by_hand(report: Report) -> None:
    """Of spends 100, 50, 50 and 0, the best 60 % are 2.4 customers with 100 + 50 + 0.4 x 50 of 200."""
    columns = ("customer_percent", "least_spend_cents", "revenue_share")
    rows = {
        row[0]: row[1:] for row in report(spenders([50, 0, 100, 50]), "2024-02-01", "revenue_concentration", *columns)
    }
    assert sorted(rows) == list(range(1, 101))
    assert {percent: rows[percent] for percent in (10, 25, 50, 60, 75, 100)} == {
        10: (100, 0.2),
        25: (100, 0.5),
        50: (50, 0.75),
        60: (50, 0.85),
        75: (50, 1.0),
        100: (0, 1.0),
    }
    shares = ("customers", "revenue_cents", "top_10_percent_share", "top_20_percent_share", "gini")
    assert report(spenders([50, 0, 100, 50]), "2024-02-01", "concentration_summary", *shares) == [
        (4, 200, 0.2, 0.4, 0.375)
    ]


@for_all(cents=st.lists(st.integers(0, 6) | st.integers(0, 10**13), min_size=1, max_size=25))
@SHARED
def test_concentration_is_exact(report: Report, cents: list[int]) -> None:
    """Compared with fractions: shares customer by customer, Gini by the mean difference of all pairs."""
    sales = spenders(cents)
    rows = report(sales, "2024-02-01", "revenue_concentration", "customer_percent", "revenue_share")
    total, best = sum(cents), sorted(cents, reverse=True)
    for percent, share in rows:
        whole, rest = divmod(percent * len(cents), 100)
        brought = sum(best[:whole]) + (Fraction(rest, 100) * best[whole] if rest else 0)
        assert share == (pytest.approx(float(Fraction(brought) / total), rel=1e-12) if total else None)
    [(gini,)] = report(sales, "2024-02-01", "concentration_summary", "gini")
    difference = sum(abs(value - other) for value in cents for other in cents)
    assert gini == (pytest.approx(float(Fraction(difference, 2 * len(cents) * total)), rel=1e-12) if total else None)


STEPS: list[Sale] = [
    *(("a", f"2024-01-{day:02} {hour}:00:00", 100) for day, hour in ((1, 9), (1, 10), (4, 9), (10, 23))),
    *(("b", moment, 100) for moment in ("2024-01-01", "2024-01-31")),
    ("c", "2024-01-01", 100),
    ("c", "2024-01-02", -100),
]


def test_gaps_lie_between_days_of_purchase(report: Report) -> None:
    """Two orders on one day are one purchase; a return is not a purchase."""
    rows = report(STEPS, "2024-03-01", "gaps_between_orders", "order_number", "gap_days", "purchases")
    assert rows == [(1, 3, 1), (1, 30, 1), (2, 6, 1)]


def test_repeat_orders(report: Report) -> None:
    rows = report(STEPS, "2024-03-01", "repeat_orders")
    assert rows == [(1, 3, 2, 2 / 3, 3), (2, 2, 1, 0.5, 6), (3, 1, 0, 0.0, None)]


def test_repeat_rates_count_only_orders_that_had_their_days(report: Report) -> None:
    """The 30 days after 1 January end on 31 January: a second earlier they are not complete."""
    columns = ("order_number", "within_days", "purchases", "repeated", "repeat_rate")
    assert report(STEPS, "2024-01-31T23:59:59Z", "repeat_rates", *columns) == []
    assert report(STEPS, "2024-02-01", "repeat_rates", *columns) == [(1, 30, 3, 2, 2 / 3)]
    rows = report(STEPS, "2024-04-01", "repeat_rates", *columns)
    assert rows == [(1, 30, 3, 2, 2 / 3), (1, 90, 3, 2, 2 / 3), (2, 30, 2, 1, 0.5), (3, 30, 1, 0, 0.0)]


def test_the_tenth_order_stands_for_all_later_ones(report: Report) -> None:
    sales = [("a", f"2024-01-{day:02}", 1) for day in range(1, 14)]
    assert report(sales, "2024-03-01", "repeat_orders")[-2:] == [(9, 1, 1, 1.0, 1), (10, 4, 3, 0.75, 1)]
    assert report(sales, "2024-03-01", "gaps_between_orders")[-1] == (10, 1, 3)
    assert report(sales, "2024-02-10", "repeat_rates")[-1] == (10, 30, 1, 1, 1.0)


def test_every_pair_of_scores_has_one_of_ten_names(report: Report) -> None:
    rows = report(FLOWS, "2024-07-01", "rfm_groups", "recency_score", "frequency_score", "segment")
    names = {(recency, frequency): name for recency, frequency, name in rows}
    assert len(rows) == len(names) == 25
    assert len(set(names.values())) == 10
    corners = {
        (5, 5): "Champions",
        (5, 1): "New",
        (1, 5): "Cannot lose them",
        (1, 1): "Hibernating",
        (3, 3): "Need attention",
    }
    assert {pair: names[pair] for pair in corners} == corners


def test_rfm_cells_and_grid_hold_every_customer_once(report: Report) -> None:
    sales = [(f"{n:02}", f"2024-01-{1 + n:02}", 100 * (n + 1)) for n in range(20) for _ in range(n + 1)]
    cells = report(sales, "2024-02-01", "rfm_cells")
    assert len(cells) == 125
    assert [sum(row[column] for row in cells) for column in (4, 5, 6)] == [
        20,
        len(sales),
        sum(sale[2] for sale in sales),
    ]
    assert {row[3]: row[4] for row in cells if row[4]} == {111 * score: 4 for score in range(1, 6)}
    columns = (
        "recency_score",
        "segment",
        "customers",
        "customer_share",
        "revenue_cents",
        "mean_spend_cents",
        "mean_monetary_score",
    )
    grid = [row for row in report(sales, "2024-02-01", "rfm_grid", *columns) if row[2]]
    best = sum(100 * (n + 1) ** 2 for n in range(16, 20))
    assert grid[-1] == (5, "Champions", 4, 0.2, best, best / 4, 5.0)


def test_segments_by_given_members(base: duckdb.DuckDBPyConnection, report: Report) -> None:
    """Means, exact medians, and forecasts where given, with the columns of a bundle's segments."""
    base.execute(
        f"create or replace temp table {MEMBERS} as select * from (values ('a', 'x', 1000::bigint, 250000::bigint), "
        "('b', 'x', 3000, 750000), ('c', 'y', null, null)) "
        "as t (customer_id, segment, predicted_value_cents, churn_millionths)"
    )
    columns = ("segment", "customers", "revenue_cents", "order_count", "mean_order_count", "median_order_count")
    more = ("median_spend_cents", "mean_recency_days", "median_recency_days", "predicted_value_cents")
    ahead = ("mean_predicted_value_cents", "mean_churn_probability")
    rows = report(FLOWS, "2024-07-01", "segments", *columns, *more, *ahead, filled=[MEMBERS])
    away = (21 + 163) / 2
    assert rows == [
        ("x", 2, 1700, 4, 2.0, 1, 700, away, 21.0, 4000, 2000.0, 0.5),
        ("y", 1, 5000, 1, 1.0, 1, 5000, pytest.approx(91 + 1 / 86400), pytest.approx(91 + 1 / 86400), None, None, None),
    ]


START, CUT, END = (datetime.fromisoformat(day) for day in ("2024-01-01", "2024-07-01", "2025-01-01"))
past_moments = st.datetimes(START, CUT - timedelta(microseconds=1)).map(str)
future_moments = st.datetimes(CUT, END).map(str)


def sales_in(when: st.SearchStrategy[str]) -> st.SearchStrategy[list[Sale]]:
    return st.lists(st.tuples(st.sampled_from("abcdef"), when, st.integers(-500, 2000)), min_size=1, max_size=12)


@for_all(past=sales_in(past_moments), future=sales_in(future_moments), seed=st.integers(0, 99))
@settings(SHARED, max_examples=examples(0.06))
def test_no_report_sees_the_future_or_the_order_of_rows(
    report: Report, past: list[Sale], future: list[Sale], seed: int
) -> None:
    """Not one cell of any relation changes."""
    mixed = past + future
    random.Random(seed).shuffle(mixed)  # noqa: S311 - no secret
    for name in REPORTED:
        assert report(mixed, "2024-07-01", name) == report(past, "2024-07-01", name)


def test_the_reports_cover_one_second(report: Report) -> None:
    """The shortest history: one order, just before as_of."""
    moment = datetime(2024, 2, 29, 12, tzinfo=UTC)
    sales = [("a", "2024-02-29 12:00:00", 100)]
    for name in REPORTED:
        rows = report(sales, str(moment + timedelta(seconds=1)), name)
        assert bool(rows) == (name not in ("gaps_between_orders", "repeat_rates"))
