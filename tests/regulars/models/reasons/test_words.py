"""The texts of reasons."""

import numpy as np
import pytest

from regulars.models.reasons.phrases import PHRASES
from regulars.models.reasons.words import Narrator

NAN = float("nan")
TYPICAL = {
    "recency_days": 45.2,
    "spend_365d_cents": 12_000.0,
    "orders_90d": 2.0,
    "mean_order_cents": 950.0,
    "discount_share": 0.031,
    "engagement_score": 0.0,
    "purchase_velocity": 1.04,
}


@pytest.mark.parametrize(
    ("feature", "value", "usual", "text"),
    [
        ("recency_days", 120.3, 30.2, "no order for 120 days, usually every 30"),
        ("recency_days", 3.0, 30.2, "last order 3 days ago, usually every 30"),
        ("overdue_ratio", NAN, NAN, "has ordered on one day only"),
        ("process_no_order", 0.84, 9.0, "84 % likely not to order again in time"),
        ("overdue_ratio", 4.0, 30.0, "no order for 120 days, usually every 30"),
        ("recency_days", 120.0, NAN, "no order for 120 days, typical customer 45"),
        ("recency_days", 1.2, NAN, "last order 1 day ago, typical customer 45"),
        ("recency_days", 0.2, 1.0, "last order less than a day ago, usually every 1"),
        ("spend_365d_cents", 34_000.0, 30.0, "spent 340 in the last year, typical customer 120"),
        ("spend_365d_cents", 0.0, 30.0, "spent nothing in the last year, typical customer 120"),
        ("spend_365d_cents", 12_010.0, 30.0, "spent 120 in the last year, like the typical customer"),
        ("spend_365d_cents", 123_456_700.0, 30.0, "spent 1,234,567 in the last year, typical customer 120"),
        ("spend_90d_cents", 50.0, 30.0, "spent 0.50 in the last 90 days"),
        ("mean_order_cents", 425.0, NAN, "4.25 an order on average, typical customer 9.50"),
        ("orders_90d", 0.0, NAN, "no order in the last 90 days, typical customer 2"),
        ("orders_90d", 1.0, 9.0, "1 order in the last 90 days, typical customer 2"),
        ("orders_90d", 5.0, 9.0, "5 orders in the last 90 days, typical customer 2"),
        ("repeat_days", 3.0, 9.0, "3 days of purchase after the first order"),
        ("gap_mean_days", NAN, NAN, "has ordered on one day only"),
        ("discount_share", 0.25, NAN, "25 % of the price taken off by discounts, typical customer 3 %"),
        ("discount_share", NAN, NAN, "discounts not known"),
        ("engagement_score", 29.4, NAN, "engagement score 29 of 100, typical customer 0"),
        ("purchase_velocity", 2.54, 9.0, "2.5 orders a month on average, typical customer 1"),
        ("orders_trend_90d", NAN, NAN, "no order in the last 180 days"),
        ("orders_trend_90d", -1.0, 9.0, "no orders in the last 90 days, some in the 90 before"),
        ("spend_trend_90d", 1.0, 9.0, "all spend of the last 180 days in the last 90"),
        ("orders_trend_90d", -0.5, 9.0, "orders down 67 % on the 90 days before"),
        ("orders_trend_90d", 0.2, 9.0, "orders up 50 % on the 90 days before"),
        ("spend_trend_90d", 0.0, 9.0, "spend as in the 90 days before"),
        ("shoe_size", 42.0, 9.0, "shoe size 42"),
        ("shoe_size", NAN, 9.0, "shoe size not known"),
    ],
)
def test_values_in_words(feature: str, value: float, usual: float, text: str) -> None:
    assert Narrator(TYPICAL, 2).text(feature, value, usual) == text


def test_purchase_histories() -> None:
    narrator = Narrator(TYPICAL, 2)
    orders, days, usual = np.array([12.0, 1.0]), np.array([86.0, 20.0]), np.array([3.0, NAN])
    assert narrator.histories(orders, days, usual).tolist() == [
        "12 orders so far, no order for 86 days, usually every 3",
        "1 order so far, last order 20 days ago, typical customer 45",
    ]


@pytest.mark.parametrize("feature", PHRASES)
def test_a_value_has_the_same_text_alone_and_among_many(feature: str) -> None:
    """Values at the edges of rounding, and where the format changes."""
    values = np.array([NAN, -1.0, -0.4, 0.0, 0.05, 0.25, 0.5, 0.995, 1.0, 1.5, 2.55, 9.95, 9.996, 10.05, 999.5, 1000.5])
    values = np.concatenate([values, values * 1.0001, values * 100.0])
    usual = np.resize([NAN, 0.3, 12.0, 30.5], len(values))
    narrator = Narrator({feature: 10.0}, 2)
    many = narrator.texts(feature, values, usual).tolist()
    assert many == [narrator.text(feature, value, days) for value, days in zip(values, usual, strict=True)]
    assert len(set(many)) > 5


def test_money_has_the_currencys_decimals() -> None:
    """Whole yen; a dinar has three decimals below ten."""
    assert Narrator({}, 0).text("spend_cents", 5.0, NAN) == "spent 5 in all"
    assert Narrator({}, 3).text("spend_cents", 1_500.0, NAN) == "spent 1.500 in all"


@pytest.mark.parametrize("feature", PHRASES)
@pytest.mark.parametrize("value", [NAN, -3.0, 0.0, 1.0, 1e12])
def test_any_value_has_a_short_text(feature: str, value: float) -> None:
    text = Narrator({feature: 7.0}, 2).text(feature, value, NAN)
    assert text
    assert "{" not in text
    assert "nan" not in text
    assert len(text) < 100
