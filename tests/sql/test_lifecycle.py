"""lifecycle and economics: given sums, expected rates, and null instead of a division by zero."""

import math
from collections.abc import Callable

import pytest

from tests.sql.conftest import Given, RunSql
from tests.sql.rows import AS_OF, Row, before

Customer = Callable[..., None]
DAY = 86_400
AS_OF_S = int(AS_OF.timestamp())


def purchases(**more: object) -> Row:
    """Return a customer who ordered 4 times for 80.00, first 120 and last 30 days ago."""
    seconds = {"first_order_s": AS_OF_S - 120 * DAY, "last_order_s": AS_OF_S - 30 * DAY}
    counts = {"order_count": 4, "spend_cents": 8000}
    windows = {f"{name}{days}d": 0 for name in ("orders_", "spend_") for days in (90, 180)}
    named = {key + ("_cents" if key.startswith("spend") else ""): value for key, value in windows.items()}
    return {"customer_id": "c", **seconds, **counts, **named, **more}


def gaps(*days: int) -> Row:
    """Return the sums of these gaps between days of purchase."""
    sums = {"gap_sum_days": sum(days), "gap_square_sum_days": sum(day * day for day in days), "gap_max_days": max(days)}
    return {"customer_id": "c", "repeat_days": len(days), **sums}


ONE_DAY = {"customer_id": "c", "repeat_days": 0}


@pytest.fixture
def customer(given: Given) -> Callable[..., None]:
    """`customer(spend_cents=1)`: fill the purchases of a customer with four days of purchase."""

    def put(**more: object) -> None:
        given("purchases", [purchases(**more)])
        given("purchase_gaps", [gaps(20, 30, 40)])

    return put


def test_recency_tenure_and_velocity(customer: Customer, run_sql: RunSql) -> None:
    """Velocity is orders per 30 days of tenure; without a sign-up, tenure begins at the first order."""
    customer()
    columns = ("recency_days", "tenure_days", "purchase_velocity", "mean_order_cents")
    assert run_sql("lifecycle", *columns) == [(30.0, 120.0, 1.0, 2000.0)]


@pytest.mark.parametrize(
    ("signed_up", "tenure"),
    [(200, 200.0), (100, 120.0), (0, 120.0), (-5, 120.0)],
    ids=["before the first order", "after it", "at as_of", "after as_of"],
)
def test_tenure_begins_at_sign_up_or_first_order(
    customer: Customer, given: Given, run_sql: RunSql, signed_up: int, tenure: float
) -> None:
    """Whichever came first; a sign-up at or after as_of is not known yet."""
    customer()
    given("customers", [{"customer_id": "c", "signed_up_at": before(signed_up)}])
    assert run_sql("lifecycle", "tenure_days") == [(tenure,)]


def test_a_fraction_of_a_day_counts(customer: Customer, run_sql: RunSql) -> None:
    customer(last_order_s=AS_OF_S - DAY // 4)
    assert run_sql("lifecycle", "recency_days") == [(0.25,)]


GAPS = ("gap_mean_days", "gap_std_days", "gap_max_days", "overdue_ratio")


def test_gaps(customer: Customer, run_sql: RunSql) -> None:
    """Gaps of 20, 30 and 40 days: mean, population deviation, longest; after 30 days the overdue ratio is 1."""
    customer()
    [(mean, std, longest, overdue)] = run_sql("lifecycle", *GAPS)
    assert (mean, longest, overdue) == (30.0, 40, 1.0)
    assert std == pytest.approx(math.sqrt(200 / 3), rel=1e-12)


@pytest.mark.parametrize("sums", [None, 0], ids=["one order", "several orders on the day"])
def test_one_day_of_purchase_has_no_gaps(given: Given, run_sql: RunSql, sums: int | None) -> None:
    given("purchases", [purchases()])
    given("purchase_gaps", [{**ONE_DAY, "gap_sum_days": sums, "gap_square_sum_days": sums, "gap_max_days": sums}])
    assert run_sql("lifecycle", *GAPS) == [(None,) * 4]


def test_inputs_of_the_purchase_process(customer: Customer, given: Given, run_sql: RunSql) -> None:
    """Purchases are days with an order: here 4 of them in 90 days, 80.00 in all, the first 120 days ago."""
    columns = ("repeat_days", "last_repeat_days", "customer_age_days", "mean_purchase_day_cents")
    customer()
    assert run_sql("lifecycle", *columns) == [(3, 90, 120.0, 2000.0)]
    given("purchase_gaps", [ONE_DAY])
    assert run_sql("lifecycle", *columns) == [(0, 0, 120.0, 8000.0)]


@pytest.mark.parametrize(
    ("last_90", "last_180", "trend"), [(3, 3, 1.0), (0, 3, -1.0), (2, 4, 0.0), (3, 4, 0.5), (0, 0, None)]
)
def test_trends_run_from_minus_one_to_one(
    customer: Customer, run_sql: RunSql, last_90: int, last_180: int, trend: float | None
) -> None:
    """(Last 90 days - 90 before) / both; null when both are empty."""
    customer(orders_90d=last_90, orders_180d=last_180)
    assert run_sql("lifecycle", "orders_trend_90d") == [(trend,)]
    customer(spend_90d_cents=last_90 * 999, spend_180d_cents=last_180 * 999)
    assert run_sql("lifecycle", "spend_trend_90d") == [(trend,)]


SHARES = ("returns_per_order", "returned_share", "discount_share", "margin_share")


def economics(run_sql: RunSql, *columns: str) -> list[tuple[object, ...]]:
    """Return columns of economics; `lifecycle`, which it reads, is made first."""
    run_sql("lifecycle", "customer_id")
    return run_sql("economics", *columns)


def test_shares_of_money(customer: Customer, given: Given, run_sql: RunSql) -> None:
    """The discount by the price before discount, the margin by the value net of returns."""
    customer(discount_cents=2000, margin_cents=3300)
    given("returns", [{"customer_id": "c", "return_count": 1, "returned_cents": -2000, "margin_cents": -300}])
    assert economics(run_sql, *SHARES) == [(0.25, 0.25, 0.2, 0.5)]


def test_unknown_discounts_and_margins_are_null(customer: Customer, run_sql: RunSql) -> None:
    customer()
    assert economics(run_sql, *SHARES) == [(0.0, 0.0, None, None)]


def test_nothing_spent_has_no_shares(customer: Customer, run_sql: RunSql) -> None:
    customer(spend_cents=0)
    assert economics(run_sql, *SHARES) == [(0.0, None, None, None)]


@pytest.mark.parametrize(
    ("money", "earned", "ratios"),
    [
        ((2000, None, 0), 8000, (4.0, 30.0)),
        ((2000, None, -3000), 5000, (2.5, 48.0)),
        ((2000, 1000, 0), 1000, (0.5, 240.0)),
        ((2000, -1000, 0), -1000, (-0.5, None)),
        ((None, None, 0), 8000, (None, None)),
        ((0, None, 0), 8000, (None, 0.0)),
    ],
)
def test_earned_over_acquisition_cost(
    customer: Customer,
    given: Given,
    run_sql: RunSql,
    money: tuple[int | None, ...],
    earned: int,
    ratios: tuple[object, ...],
) -> None:
    """The margin if known, else spend net of returns; payback at the rate of the past 120 days."""
    cost, margin, returned = money
    customer(margin_cents=margin)
    given("returns", [{"customer_id": "c", "return_count": 1, "returned_cents": returned}])
    given("customers", [{"customer_id": "c", "acquisition_cost_cents": cost}])
    assert economics(run_sql, "earned_cents", "ltv_to_cac", "payback_days") == [(earned, *ratios)]
    assert run_sql("lifecycle", "acquisition_cost_cents") == [(cost,)]


def test_the_cost_of_a_customer_who_signs_up_at_as_of_is_not_known_yet(
    customer: Customer, given: Given, run_sql: RunSql
) -> None:
    customer()
    given("customers", [{"customer_id": "c", "signed_up_at": before(0), "acquisition_cost_cents": 10}])
    assert run_sql("lifecycle", "acquisition_cost_cents") == [(None,)]
    given("customers", [{"customer_id": "c", "signed_up_at": before(0, -1), "acquisition_cost_cents": 10}])
    assert run_sql("lifecycle", "acquisition_cost_cents") == [(10,)]


def test_customers_without_a_record_are_kept(customer: Customer, run_sql: RunSql) -> None:
    customer()
    assert economics(run_sql, "customer_id", "ltv_to_cac") == [("c", None)]
