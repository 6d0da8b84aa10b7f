"""future: the labels of [as_of, label_end), of customers known at as_of."""

import pytest

from tests.sql.conftest import Given, RunSql
from tests.sql.rows import order

COLUMNS = ("future_orders", "future_value_cents", "churned")


@pytest.mark.parametrize(
    ("days", "ticks", "inside"),
    [(0, -1, False), (0, 0, True), (-90, -1, True), (-90, 0, False)],
    ids=["just before as_of", "at as_of", "just before the end", "at the end"],
)
def test_the_label_window_is_half_open(given: Given, run_sql: RunSql, days: int, ticks: int, *, inside: bool) -> None:
    given("purchases", [{"customer_id": "c"}])
    given("orders", [order(days, 500, ticks=ticks)])
    assert run_sql("future", *COLUMNS) == [(1, 500, False) if inside else (0, 0, True)]


def test_orders_add_up_and_returns_are_left_out(given: Given, run_sql: RunSql) -> None:
    given("purchases", [{"customer_id": "buyer"}, {"customer_id": "returner"}])
    given("orders", [order(-1, 500, "buyer"), order(-2, 70, "buyer"), order(-3, -90, "buyer")])
    assert run_sql("future", "customer_id", *COLUMNS) == [("buyer", 2, 570, False), ("returner", 0, 0, True)]
    given("orders", [order(-1, -500, "returner")])
    assert run_sql("future", "customer_id", *COLUMNS)[1] == ("returner", 0, 0, True)


def test_a_new_customer_of_the_window_has_no_label(given: Given, run_sql: RunSql) -> None:
    given("purchases", [{"customer_id": "known"}])
    given("orders", [order(-1, 500, "new")])
    assert run_sql("future", "customer_id", "churned") == [("known", True)]
