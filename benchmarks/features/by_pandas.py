"""The same columns by pandas: masked columns, one group-by for each big table, gaps by sort and difference."""

from datetime import timedelta
from math import ceil

import numpy as np
import pandas as pd

from benchmarks.features.by_polars import ORDER
from benchmarks.features.contender import Task, arguments, contend

DAY, PACK = 86_400, 2**30


def read(task: Task, table: str, *columns: str) -> pd.DataFrame:
    """Read columns of a table of the lake."""
    return pd.concat([pd.read_parquet(file, columns=list(columns)) for file in task.files(table)], ignore_index=True)


def seconds(moments: pd.Series) -> pd.Series:
    """Whole seconds since 1970; null stays null."""
    return (moments - pd.Timestamp(0)) // pd.Timedelta(seconds=1)


def purchases(orders: pd.DataFrame, task: Task) -> pd.DataFrame:
    """One row per customer with an order; returns have their own columns."""
    at, value, back = orders["ordered_at"], orders["order_value_cents"], orders["is_return"]
    since = {days: ~back & (at >= task.moment - timedelta(days=days)) for days in (30, 90, 180, 365)}
    windows = {f"{days}d": since[days] for days in since}
    for days in (90, 180):
        windows[f"year_ago_{days}d"] = since[365] & (at < task.moment - timedelta(days=365 - days))
    made = {f"orders_{name}": when for name, when in windows.items()}
    made |= {f"spend_{name}_cents": value.where(when, 0) for name, when in windows.items()}
    made |= {
        "order_count": ~back,
        "spend_cents": value.where(~back, 0),
        "sold_discount": orders["discount_cents"].where(~back),
        "sold_margin": orders["margin_cents"].where(~back),
        "return_count": back,
        "returned_cents": value.where(back, 0),
        "returned_margin": orders["margin_cents"].where(back),
    }
    ids = orders["customer_id"]
    sums = pd.DataFrame(made).groupby(ids).sum(min_count=1)
    sold_at = seconds(at[~back])
    first = pd.DataFrame({"at": sold_at, "packed": sold_at * PACK + value[~back].clip(upper=PACK - 1)}).groupby(
        ids[~back]
    )
    return sums[sums["order_count"] > 0].assign(
        first_s=first["at"].min(), last_s=first["at"].max(), first_packed=first["packed"].min()
    )


def gaps(orders: pd.DataFrame) -> pd.DataFrame:
    """Gaps between days with an order."""
    sold = orders.loc[~orders["is_return"], ["customer_id", "ordered_at"]]
    days = pd.DataFrame({"customer_id": sold["customer_id"], "day": seconds(sold["ordered_at"]) // DAY})
    days = days.drop_duplicates().sort_values(["customer_id", "day"])
    gap = days.groupby("customer_id")["day"].diff()
    grouped = pd.DataFrame({"gap": gap, "square": gap * gap}).groupby(days["customer_id"])
    sums = grouped.sum()
    return pd.DataFrame(
        {
            "repeat_days": grouped["gap"].count(),
            "last_repeat_days": sums["gap"],
            "square_sum": sums["square"],
            "gap_max_days": grouped["gap"].max(),
        }
    )


def visits(events: pd.DataFrame, task: Task) -> pd.DataFrame:
    """One row per customer with an event."""
    at, kind = events["occurred_at"], events["kind"]
    within = {days: at >= task.moment - timedelta(days=days) for days in (30, 90)}
    made = {
        "emails_sent_90d": (kind == "email_sent") & within[90],
        "email_opens_30d": (kind == "email_open") & within[30],
        "email_opens_90d": (kind == "email_open") & within[90],
        "email_clicks_90d": (kind == "email_click") & within[90],
        "site_visits_30d": (kind == "site_visit") & within[30],
        "site_visits_90d": (kind == "site_visit") & within[90],
        "support_tickets_90d": (kind == "support_ticket") & within[90],
        "support_tickets": kind == "support_ticket",
        "support_resolved": kind == "support_resolved",
    }
    grouped = pd.DataFrame(made).groupby(events["customer_id"]).sum()
    visit = kind == "site_visit"
    return grouped.assign(last_visit_s=seconds(at[visit]).groupby(events["customer_id"][visit]).max())


def score(amounts: pd.Series) -> pd.Series:
    """Score 1 to 5 by the exact discrete fifths."""
    ranked = np.sort(amounts.to_numpy())
    cuts = [ranked[ceil(len(ranked) * part / 5) - 1] for part in (1, 2, 3, 4)]
    return pd.Series(1 + np.searchsorted(cuts, amounts.to_numpy(), side="left"), amounts.index)


def quotients(t: pd.DataFrame, now: int) -> pd.DataFrame:
    """Return the columns computed from the joined sums."""
    recency = 6 - score((now - t["last_s"]) // DAY)
    frequency, monetary = score(t["order_count"]), score(t["spend_cents"])
    known = pd.concat([t["first_s"], t["signed_up_s"]], axis=1).min(axis=1)
    repeats = t["repeat_days"].where(t["repeat_days"] > 0)
    mean = t["last_repeat_days"] / repeats
    spend, bought = t["spend_cents"].where(t["spend_cents"] != 0), t["discount_cents"] + t["spend_cents"]
    net = t["spend_cents"] + t["returned_cents"]
    margin = t["margin_cents"] + t["returned_margin"].fillna(0)
    earned = margin.fillna(net)
    days = {"recency_days": (now - t["last_s"]) / DAY, "tenure_days": (now - known) / DAY}
    points = t["email_opens_90d"] + 3 * t["email_clicks_90d"] + 2 * t["site_visits_90d"] - 4 * t["support_tickets_90d"]
    points = points.clip(lower=0)
    return t.assign(
        **days,
        customer_age_days=(now - t["first_s"]) / DAY,
        recency_score=recency,
        frequency_score=frequency,
        monetary_score=monetary,
        rfm_cell=100 * recency + 10 * frequency + monetary,
        first_order_cents=t["first_packed"] - t["first_s"] * PACK,
        mean_purchase_day_cents=t["spend_cents"] / (t["repeat_days"] + 1),
        mean_order_cents=t["spend_cents"] / t["order_count"],
        purchase_velocity=30 * t["order_count"] / days["tenure_days"].where(days["tenure_days"] != 0),
        gap_mean_days=mean,
        gap_std_days=np.sqrt((t["square_sum"] / repeats - mean**2).clip(lower=0)),
        overdue_ratio=days["recency_days"] / mean,
        orders_trend_90d=(2 * t["orders_90d"] - t["orders_180d"]) / t["orders_180d"].where(t["orders_180d"] != 0),
        spend_trend_90d=(2 * t["spend_90d_cents"] - t["spend_180d_cents"])
        / t["spend_180d_cents"].where(t["spend_180d_cents"] != 0),
        returns_per_order=t["return_count"] / t["order_count"],
        returned_share=(t["spend_cents"] - net) / spend,
        discount_share=t["discount_cents"] / bought.where(bought != 0),
        margin_share=margin / net.where(net != 0),
        earned_cents=earned,
        ltv_to_cac=earned / t["acquisition_cost_cents"].where(t["acquisition_cost_cents"] != 0),
        payback_days=t["acquisition_cost_cents"] * days["tenure_days"] / earned.where(earned > 0),
        email_open_rate_90d=t["email_opens_90d"] / t["emails_sent_90d"].where(t["emails_sent_90d"] != 0),
        days_since_visit=(now - t["last_visit_s"]) / DAY,
        engagement_score=100 * points / (points + 10),
        support_unresolved=(t["support_tickets"] - t["support_resolved"]).clip(lower=0),
    )


def features(task: Task) -> None:
    """From the lake to the file."""
    columns = ("customer_id", "ordered_at", "order_value_cents", "is_return", "discount_cents", "margin_cents")
    orders = read(task, "orders", *columns)
    orders = orders[orders["ordered_at"] < task.moment]
    events = read(task, "events", "customer_id", "occurred_at", "kind")
    events = events[events["occurred_at"] < task.moment]
    known = read(task, "customers", "customer_id", "signed_up_at", "acquisition_cost_cents").set_index("customer_id")
    known = known[~(known["signed_up_at"] >= task.moment)]
    known["signed_up_s"] = seconds(known.pop("signed_up_at"))
    table = purchases(orders, task).rename(columns={"sold_discount": "discount_cents", "sold_margin": "margin_cents"})
    for other in (gaps(orders), visits(events, task), known):
        table = table.join(other)
    made = quotients(table, int(task.as_of.timestamp())).assign(as_of=task.moment)
    made.rename_axis("customer_id").reset_index()[ORDER].to_parquet(task.out, index=False)


if __name__ == "__main__":
    task = arguments()
    contend(lambda: features(task))
