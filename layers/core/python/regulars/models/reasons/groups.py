"""Groups of features that measure the same thing, for reasons, reports and tests."""

from collections.abc import Mapping, Sequence

PURCHASE_HISTORY = "purchase_history"
"""The group of the purchase process's forecasts; also the name of its part in a margin, which is not a feature."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "recency": ("recency_days", "overdue_ratio"),
    "rhythm": ("gap_mean_days", "gap_std_days", "gap_max_days", "purchase_velocity"),
    "recent_activity": (  # spend in a window mostly says that there were orders in it
        "orders_30d",
        "orders_90d",
        "orders_180d",
        "spend_30d_cents",
        "spend_90d_cents",
        "spend_180d_cents",
        "orders_trend_90d",
        "spend_trend_90d",
    ),
    "orders": ("order_count", "orders_365d", "repeat_days"),
    "spend": ("spend_cents", "spend_365d_cents", "earned_cents"),
    "order_size": ("mean_order_cents", "mean_purchase_day_cents", "first_order_cents"),
    "season": (
        "orders_year_ago_90d",
        "orders_year_ago_180d",
        "spend_year_ago_90d_cents",
        "spend_year_ago_180d_cents",
    ),
    "tenure": ("tenure_days", "customer_age_days", "last_repeat_days"),
    "returns": ("return_count", "returns_per_order", "returned_share"),
    "discounts": ("discount_share",),
    "margin": ("margin_share",),
    "engagement": (
        "email_opens_30d",
        "email_opens_90d",
        "email_clicks_90d",
        "email_open_rate_90d",
        "site_visits_30d",
        "site_visits_90d",
        "days_since_visit",
        "engagement_score",
    ),
    "support": ("support_tickets_90d", "support_tickets", "support_unresolved"),
    "acquisition": ("acquisition_cost_cents", "ltv_to_cac", "payback_days"),
    "rfm": ("recency_score", "frequency_score", "monetary_score", "rfm_cell"),  # no model reads them
    PURCHASE_HISTORY: (
        PURCHASE_HISTORY,
        "process_alive",
        "process_orders",
        "process_no_order",
        "process_spend_cents",
        "process_value_cents",
        "horizon_orders",
        "horizon_no_order",
    ),
}

_GROUP = {feature: group for group, features in GROUPS.items() for feature in features}


def group_of(feature: str) -> str:
    """Return the group of a feature; a feature without one, from another version's SQL, is its own group."""
    return _GROUP.get(feature, feature)


def columns_by_group(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the indices in `names` of each group's features; groups are in the order of their first feature."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(group_of(name), []).append(place)
    return places
