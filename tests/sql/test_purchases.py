"""purchases and purchase_gaps: given orders, expected counts and sums, and the edges of every window."""

import pytest

from tests.sql.conftest import Given, RunSql
from tests.sql.rows import Row, order

WINDOWS = ("orders_30d", "orders_90d", "orders_180d", "orders_365d", "orders_year_ago_90d", "orders_year_ago_180d")
MONEY = tuple(name.replace("orders", "spend") + "_cents" for name in WINDOWS)


@pytest.mark.parametrize(
    ("days", "ticks", "expected"),
    [
        (0, -1, (1, 1, 1, 1, 0, 0)),
        (30, 0, (1, 1, 1, 1, 0, 0)),
        (30, -1, (0, 1, 1, 1, 0, 0)),
        (90, 0, (0, 1, 1, 1, 0, 0)),
        (90, -1, (0, 0, 1, 1, 0, 0)),
        (180, 0, (0, 0, 1, 1, 0, 0)),
        (180, -1, (0, 0, 0, 1, 0, 0)),
        (185, 0, (0, 0, 0, 1, 0, 0)),
        (185, -1, (0, 0, 0, 1, 0, 1)),
        (275, 0, (0, 0, 0, 1, 0, 1)),
        (275, -1, (0, 0, 0, 1, 1, 1)),
        (365, 0, (0, 0, 0, 1, 1, 1)),
        (365, -1, (0, 0, 0, 0, 0, 0)),
    ],
)
def test_windows_are_half_open(given: Given, run_sql: RunSql, days: int, ticks: int, expected: tuple[int, ...]) -> None:
    """A window's oldest instant belongs to it, one microsecond earlier does not; counts and money agree."""
    given("orders", [order(days, 700, ticks=ticks)])
    assert run_sql("purchases", *WINDOWS) == [expected]
    assert run_sql("purchases", *MONEY) == [tuple(700 * count for count in expected)]


def test_an_order_at_as_of_is_not_seen(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(0), order(-1)])
    assert run_sql("purchases", "customer_id") == []


def test_sums_are_of_orders_and_returns_are_apart(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(400, 1000), order(20, 250), order(10, -300), order(5, -50)])
    assert run_sql("purchases", "order_count", "spend_cents", "orders_30d", "spend_30d_cents") == [(2, 1250, 1, 250)]
    assert run_sql("returns", "return_count", "returned_cents") == [(2, -350)]


def test_a_return_at_as_of_is_not_seen(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(0, -10), order(-1, -10)])
    assert run_sql("returns", "customer_id") == []


@pytest.mark.parametrize(
    ("orders", "first"),
    [
        ([order(50, 700), order(40, 900)], 700),
        ([order(40, 900), order(50, 700)], 700),
        ([order(50, 0), order(40, 900)], 0),
        ([order(60, -5), order(50, 700)], 700),
        ([order(50, 700, order_id="x"), order(50, 300, order_id="y")], 300),
        ([order(50, 700, ticks=1), order(50, 300, ticks=2)], 300),
        ([order(50, 2**31)], 2**30 - 1),
    ],
    ids=["of two", "in any order", "free", "after a return", "at one instant", "in one second", "beyond the cap"],
)
def test_the_first_orders_value(given: Given, run_sql: RunSql, orders: list[Row], first: int) -> None:
    """The smallest value if several orders share the first second."""
    given("orders", orders)
    assert run_sql("purchases", "first_order_cents") == [(first,)]


def test_a_return_is_neither_first_nor_last_order(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(50, -10), order(40), order(30), order(20, -10)])
    day = 86_400
    [(span,)] = run_sql("purchases", "last_order_s - first_order_s")
    assert span == 10 * day


def test_a_customer_with_only_returns_is_not_in_the_population(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(10, -500, "returner"), order(10, 500, "buyer"), order(-1, 500, "later")])
    assert run_sql("purchases", "customer_id") == [("buyer",)]


def test_an_unknown_discount_or_margin_is_null_not_zero(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(10, customer="a"), order(10, customer="b", discount_cents=5, margin_cents=200)])
    assert run_sql("purchases", "customer_id", "discount_cents", "margin_cents") == [("a", None, None), ("b", 5, 200)]
    given("orders", [order(9, -100, "b", margin_cents=-20), order(9, -100, "a")])
    assert run_sql("returns", "customer_id", "margin_cents") == [("a", None), ("b", -20)]


def test_sums_above_32_bits_stay_exact(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(day, 2**52 + 1) for day in (1, 2, 3)])
    assert run_sql("purchases", "spend_cents", "typeof(spend_cents)") == [(3 * (2**52 + 1), "BIGINT")]


GAPS = ("customer_id", "repeat_days", "gap_sum_days", "gap_square_sum_days", "gap_max_days")


def test_gaps_are_whole_days_between_days_of_purchase(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(10), order(7), order(2)])
    assert run_sql("purchase_gaps", *GAPS) == [("c", 2, 8, 34, 5)]


def test_orders_of_one_day_are_one_purchase(given: Given, run_sql: RunSql) -> None:
    """Two orders on one day have no gap; two around midnight have a gap of a day."""
    given("orders", [order(10), order(9.75), order(9.5)])
    assert run_sql("purchase_gaps", *GAPS) == [("c", 0, 0, 0, 0)]
    given("orders", [order(10), order(10, ticks=-1)])
    assert run_sql("purchase_gaps", *GAPS) == [("c", 1, 1, 1, 1)]


def test_gaps_are_per_customer_and_ignore_returns(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(10, customer="a"), order(8, -5, "a"), order(5, customer="b"), order(4, customer="a")])
    assert run_sql("purchase_gaps", *GAPS) == [("a", 1, 6, 36, 6), ("b", 0, None, None, None)]


def test_a_gap_that_ends_at_as_of_is_not_seen(given: Given, run_sql: RunSql) -> None:
    given("orders", [order(10), order(0)])
    assert run_sql("purchase_gaps", *GAPS) == [("c", 0, None, None, None)]
