"""Which features say the same thing: the one place that reasons, reports and tests read."""

from collections.abc import Mapping, Sequence

PURCHASE_HISTORY = "purchase_history"
"""What a purchase-process model makes of the days of purchase; a group, and the name of a part that is no feature."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "recency": ("recency_days", "overdue_ratio"),
    "rhythm": ("gap_mean_days", "gap_std_days", "gap_max_days", "purchase_velocity"),
    "recent_activity": (  # money of a window says first of all that there were orders in it
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
    "rfm": ("recency_score", "frequency_score", "monetary_score", "rfm_cell"),  # answers, which no model reads
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
    """Return the group of a feature; one that no group names, from another version's SQL, stands for itself."""
    return _GROUP.get(feature, feature)


def columns_by_group(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of each group's features among `names`, groups in the order of their first feature."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(group_of(name), []).append(place)
    return places
