"""Features of customers in pandas, in notebook style: groupby, windows, merges."""

import pandas as pd

KINDS = ("email_sent", "email_open", "email_click", "site_visit", "support_ticket")
WINDOWS = (30, 90, 180, 365)


def features(orders: pd.DataFrame, events: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return one row a customer, from orders (ordered_at, order_value) and events (occurred_at, kind)."""
    orders = orders[orders["ordered_at"] < as_of].sort_values(["customer_id", "ordered_at"])
    events = events[events["occurred_at"] < as_of]
    by = orders.groupby("customer_id")
    out = pd.DataFrame(
        {
            "recency_days": (as_of - by["ordered_at"].max()).dt.total_seconds() / 86400,
            "tenure_days": (as_of - by["ordered_at"].min()).dt.total_seconds() / 86400,
            "orders": by.size(),
            "spend": by["order_value"].sum(),
            "mean_value": by["order_value"].mean(),
            "max_value": by["order_value"].max(),
            "std_value": by["order_value"].std(),
        }
    )
    gaps = by["ordered_at"].diff().dt.total_seconds() / 86400
    by_gap = gaps.groupby(orders["customer_id"])
    out["mean_gap"], out["std_gap"], out["max_gap"] = by_gap.mean(), by_gap.std(), by_gap.max()
    for days in WINDOWS:
        late = orders[orders["ordered_at"] >= as_of - pd.Timedelta(days=days)].groupby("customer_id")
        out[f"orders_{days}d"] = late.size().reindex(out.index).fillna(0)
        out[f"spend_{days}d"] = late["order_value"].sum().reindex(out.index).fillna(0.0)
        seen = events[events["occurred_at"] >= as_of - pd.Timedelta(days=days)]
        counts = pd.crosstab(seen["customer_id"], seen["kind"]).reindex(out.index).fillna(0)
        for kind in KINDS:
            out[f"{kind}_{days}d"] = counts.get(kind, 0.0)
    out["velocity"] = out["orders"] / out["tenure_days"].clip(lower=1)
    return out
