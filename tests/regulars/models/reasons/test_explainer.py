"""The choice of reasons: one per group, by the group's effect, named after its feature with the largest effect."""

import numpy as np
import pytest

from regulars.models.reasons import Effects, Explainer
from regulars.models.reasons.explainer import by_group

NAMES = ("orders_30d", "orders_90d", "recency_days", "shoe_size", "overdue_ratio", "purchase_history")


def effects(*rows: tuple[float, ...]) -> Effects:
    return Effects(NAMES, np.array(rows), np.full(len(rows), 10.0))


def columns(customers: int = 1) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    values = {"orders_30d": 1.0, "orders_90d": 4.0, "recency_days": 60.0, "shoe_size": 42.0, "overdue_ratio": 2.0}
    return {
        name: np.full(customers, value)
        for name, value in (values | {"gap_mean_days": 30.0, "order_count": 7.0}).items()
    }


def test_effects_add_up_within_a_group() -> None:
    """Two small effects together exceed a larger one; the headline has the sign of the group."""
    [reasons] = Explainer({}, 2).top(columns(), effects((-2.0, -2.5, 4.0, 4.2, -1.0, 0.5)), 3)
    chosen = [(reason.group, reason.feature, reason.value, reason.effect) for reason in reasons]
    assert chosen == [
        ("recent_activity", "orders_90d", 4.0, -4.5),
        ("shoe_size", "shoe_size", 42.0, 4.2),
        ("recency", "recency_days", 60.0, 3.0),
    ]
    assert [reason.text for reason in reasons] == [
        "4 orders in the last 90 days",
        "shoe size 42",
        "no order for 60 days, usually every 30",
    ]


def test_a_headline_never_points_against_its_group() -> None:
    """The largest effect in the group is positive, but the group's sum is negative."""
    [[reason, *_]] = Explainer({}, 2).top(columns(), effects((5.0, -9.0, 0.0, 0.0, 0.0, 0.0)), 1)
    assert (reason.feature, reason.effect) == ("orders_90d", -4.0)


def test_a_part_that_is_not_a_feature_has_a_text_but_no_value() -> None:
    [[reason, *_]] = Explainer({}, 2).top(columns(), effects((0.0, 0.0, 0.0, 0.0, 0.0, -7.0)), 1)
    assert (reason.group, reason.value, reason.effect) == ("purchase_history", None, -7.0)
    assert reason.text == "7 orders so far, no order for 60 days, usually every 30"


def test_the_text_of_a_forecast_names_the_purchase_history() -> None:
    parts = Effects(("process_no_order",), np.array([[0.2]]), np.zeros(1))
    [[reason]] = Explainer({}, 2).top(columns() | {"process_no_order": np.array([0.84])}, parts, 3)
    assert (reason.group, reason.value) == ("purchase_history", 0.84)
    past = "7 orders so far, no order for 60 days, usually every 30"
    assert reason.text == f"{past}: 84 % likely not to order again in time"


def test_effects_of_groups_have_the_same_sum() -> None:
    rows = np.random.default_rng(3).normal(size=(50, len(NAMES)))
    parts = Effects(NAMES, rows, np.zeros(50))
    total, headline = by_group(parts)
    assert total.shape == headline.shape == (50, 4)
    np.testing.assert_allclose(total.sum(axis=1), rows.sum(axis=1))


@pytest.mark.parametrize("count", [0, 1, 3, 99])
def test_there_are_at_most_count_reasons(count: int) -> None:
    reasons = Explainer({}, 2).top(columns(2), effects((1.0,) * 6, (0.0,) * 6), count)
    assert [len(top) for top in reasons] == [min(count, 4)] * 2


def test_no_customer_no_reasons() -> None:
    assert list(Explainer({}, 2).top(columns(0), Effects(NAMES, np.zeros((0, 6)), np.zeros(0)), 3)) == []
