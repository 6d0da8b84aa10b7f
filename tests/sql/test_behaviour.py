"""behaviour and economics: given sums, expected rates, and null where there is nothing to divide by."""

import math

import pytest

from tests.sql.conftest import Given, Made
from tests.sql.rows import AS_OF, Row, before

DAY = 86_400
AS_OF_S = int(AS_OF.timestamp())


def purchases(**more: object) -> Row:
    """Return a customer who ordered 4 times, first 120 and last 30 days ago."""
    seconds = {"first_order_s": AS_OF_S - 120 * DAY, "last_order_s": AS_OF_S - 30 * DAY}
    counts = {"order_count": 4, "return_count": 0, "spend_cents": 8000, "returned_cents": 0}
    windows = {f"{name}{days}d": 0 for name in ("orders_", "spend_") for days in (90, 180)}
    named = {key + ("_cents" if key.startswith("spend") else ""): value for key, value in windows.items()}
    return {"customer_id": "c", **seconds, **counts, **named, **more}


def test_recency_tenure_and_velocity(given: Given, made: Made) -> None:
    """Velocity is orders per 30 days of tenure; without a sign-up, tenure begins at the first order."""
    given("purchases", [purchases()])
    columns = ("recency_days", "tenure_days", "purchase_velocity", "mean_order_cents")
    assert made("behaviour", *columns) == [(30.0, 120.0, 1.0, 2000.0)]


@pytest.mark.parametrize(
    ("signed_up", "tenure"),
    [(200, 200.0), (100, 120.0), (0, 120.0), (-5, 120.0)],
    ids=["before the first order", "after it", "at as_of", "after as_of"],
)
def test_tenure_begins_at_sign_up_or_first_order(given: Given, made: Made, signed_up: int, tenure: float) -> None:
    """Whichever came first; a sign-up at or after as_of is not known yet."""
    given("purchases", [purchases()])
    given("customers", [{"customer_id": "c", "signed_up_at": before(signed_up)}])
    assert made("behaviour", "tenure_days") == [(tenure,)]


def test_a_fraction_of_a_day_counts(given: Given, made: Made) -> None:
    given("purchases", [purchases(last_order_s=AS_OF_S - DAY // 4)])
    assert made("behaviour", "recency_days") == [(0.25,)]


GAPS = ("gap_mean_days", "gap_std_days", "gap_max_days", "overdue_ratio")


def test_gaps(given: Given, made: Made) -> None:
    """Of gaps of 20, 30 and 40 days: mean, population deviation, longest; 30 days away is right on time."""
    given("purchases", [purchases()])
    sums = {"gap_count": 3, "gap_sum_days": 90, "gap_square_sum_days": 400 + 900 + 1600, "gap_max_days": 40}
    given("purchase_gaps", [{"customer_id": "c", **sums}])
    [(mean, std, longest, overdue)] = made("behaviour", *GAPS)
    assert (mean, longest, overdue) == (30.0, 40.0, 1.0)
    assert std == pytest.approx(math.sqrt(200 / 3), rel=1e-12)


def test_one_day_of_purchase_has_no_gaps(given: Given, made: Made) -> None:
    given("purchases", [purchases()])
    assert made("behaviour", *GAPS) == [(None,) * 4]


@pytest.mark.parametrize(
    ("last_90", "last_180", "trend"), [(3, 3, 1.0), (0, 3, -1.0), (2, 4, 0.0), (3, 4, 0.5), (0, 0, None)]
)
def test_trends_run_from_minus_one_to_one(
    given: Given, made: Made, last_90: int, last_180: int, trend: float | None
) -> None:
    """The last 90 days against the 90 before them; null when both are empty."""
    given("purchases", [purchases(orders_90d=last_90, orders_180d=last_180)])
    assert made("behaviour", "orders_trend_90d") == [(trend,)]
    given("purchases", [purchases(spend_90d_cents=last_90 * 999, spend_180d_cents=last_180 * 999)])
    assert made("behaviour", "spend_trend_90d") == [(trend,)]


def test_shares_of_money(given: Given, made: Made) -> None:
    """The discount against the price before it; the margin against what was kept after returns."""
    given("purchases", [purchases(return_count=1, returned_cents=-2000, discount_cents=2000, margin_cents=3000)])
    shares = ("returns_per_order", "discount_share", "margin_share")
    assert made("behaviour", *shares) == [(0.25, 0.2, 0.5)]
    given("purchases", [purchases()])
    assert made("behaviour", *shares) == [(0.0, None, None)]


@pytest.mark.parametrize(
    ("cost", "money", "earned", "ratio"),
    [
        (2000, {}, 8000, 4.0),
        (2000, {"returned_cents": -3000}, 5000, 2.5),
        (2000, {"margin_cents": 1000}, 1000, 0.5),
        (2000, {"margin_cents": -1000}, -1000, -0.5),
        (None, {}, 8000, None),
        (0, {}, 8000, None),
    ],
)
def test_ltv_to_cac_is_earned_over_cost(
    given: Given, made: Made, cost: int | None, money: dict[str, int], earned: int, ratio: float | None
) -> None:
    """Margin where the shop knows it, else spend less returns; no cost, or one of zero, gives null."""
    given("purchases", [purchases(**money)])
    given("customers", [{"customer_id": "c", "acquisition_cost_cents": cost}])
    assert made("economics", "earned_cents", "acquisition_cost_cents", "ltv_to_cac") == [(earned, cost, ratio)]


def test_the_cost_of_a_customer_who_signs_up_at_as_of_is_not_known_yet(given: Given, made: Made) -> None:
    given("purchases", [purchases()])
    given("customers", [{"customer_id": "c", "signed_up_at": before(0), "acquisition_cost_cents": 10}])
    assert made("economics", "acquisition_cost_cents", "ltv_to_cac") == [(None, None)]
    given("customers", [{"customer_id": "c", "signed_up_at": before(0, -1), "acquisition_cost_cents": 10}])
    assert made("economics", "acquisition_cost_cents", "ltv_to_cac") == [(10, 800.0)]


def test_customers_whom_no_table_describes_are_kept(given: Given, made: Made) -> None:
    given("purchases", [purchases()])
    assert made("economics", "customer_id", "ltv_to_cac") == [("c", None)]
    assert made("behaviour", "customer_id") == [("c",)]
