"""The same columns by Polars' streaming engine: lazy scans, one group-by for each big table, gaps by sort and shift."""

from datetime import timedelta
from math import ceil

import polars as pl

from benchmarks.features.contender import Task, arguments, contend

DAY = 86_400
PACK = 2**30
VALUE, AT, KIND, SOLD = pl.col("order_value_cents"), pl.col("ordered_at"), pl.col("kind"), ~pl.col("is_return")


def seconds(column: str) -> pl.Expr:
    """Whole seconds since 1970."""
    return pl.col(column).dt.epoch("us") // 1_000_000


def ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """Divide as doubles; null where the denominator is zero."""
    return above.cast(pl.Float64) / pl.when(below != 0).then(below.cast(pl.Float64))


def purchases(orders: pl.LazyFrame, task: Task) -> pl.LazyFrame:
    """One row per customer with an order or a return."""

    def since(days: int) -> pl.Expr:
        return SOLD & (task.moment - timedelta(days=days) <= AT)

    def until(days: int) -> pl.Expr:
        return task.moment - timedelta(days=days) > AT

    windows = {f"{days}d": since(days) for days in (30, 90, 180, 365)}
    windows |= {f"year_ago_{days}d": since(365) & until(365 - days) for days in (90, 180)}
    counts = [when.sum().cast(pl.Int64).alias(f"orders_{name}") for name, when in windows.items()]
    sums = [pl.when(when).then(VALUE).otherwise(0).sum().alias(f"spend_{name}_cents") for name, when in windows.items()]
    sold = pl.when(SOLD)
    return orders.group_by("customer_id").agg(
        SOLD.sum().cast(pl.Int64).alias("order_count"),
        sold.then(seconds("ordered_at")).min().alias("first_s"),
        sold.then(seconds("ordered_at")).max().alias("last_s"),
        sold.then(seconds("ordered_at") * PACK + VALUE.clip(upper_bound=PACK - 1)).min().alias("first_order_cents"),
        sold.then(VALUE).sum().alias("spend_cents"),
        sold.then(pl.col("discount_cents")).sum().alias("discount_cents"),
        sold.then(pl.col("margin_cents")).sum().alias("margin_cents"),
        *counts,
        *sums,
        (~SOLD).sum().cast(pl.Int64).alias("return_count"),
        pl.when(~SOLD).then(VALUE).otherwise(0).sum().alias("returned_cents"),
        pl.when(~SOLD).then(pl.col("margin_cents")).otherwise(0).sum().alias("returned_margin_cents"),
    )


def gaps(orders: pl.LazyFrame) -> pl.LazyFrame:
    """Gaps between days with an order: rows sorted by customer and day, each minus the row before."""
    gap = pl.col("gap")
    return (
        orders.filter(SOLD)
        .select("customer_id", day=seconds("ordered_at") // DAY)
        .sort("customer_id", "day")
        .select(
            "customer_id",
            gap=pl.when(pl.col("customer_id") == pl.col("customer_id").shift()).then(
                pl.col("day") - pl.col("day").shift()
            ),
        )
        .group_by("customer_id")
        .agg(
            (gap > 0).sum().cast(pl.Int64).alias("repeat_days"),
            gap.sum().alias("last_repeat_days"),
            (gap * gap).sum().alias("gap_square_sum"),
            gap.max().alias("gap_max"),
        )
    )


def visits(events: pl.LazyFrame, task: Task) -> pl.LazyFrame:
    """One row per customer with an event."""

    def count(kind: str, days: int | None = None) -> pl.Expr:
        within = pl.col("occurred_at") >= task.moment - timedelta(days=days) if days else pl.lit(value=True)
        return ((kind == KIND) & within).sum().cast(pl.Int64)

    return events.group_by("customer_id").agg(
        count("email_sent", 90).alias("emails_sent_90d"),
        count("email_open", 30).alias("email_opens_30d"),
        count("email_open", 90).alias("email_opens_90d"),
        count("email_click", 90).alias("email_clicks_90d"),
        count("site_visit", 30).alias("site_visits_30d"),
        count("site_visit", 90).alias("site_visits_90d"),
        count("support_ticket", 90).alias("support_tickets_90d"),
        count("support_ticket").alias("support_tickets"),
        count("support_resolved").alias("support_resolved"),
        pl.when(KIND == "site_visit").then(seconds("occurred_at")).max().alias("last_visit_s"),
        pl.lit(value=True).first().alias("seen"),
    )


def score(name: str, amounts: pl.Series, *, reverse: bool = False) -> pl.Expr:
    """Score 1 to 5 by the exact discrete fifths."""
    ranked = amounts.sort()
    above = [pl.col(name) > ranked[ceil(len(ranked) * part / 5) - 1] for part in (1, 2, 3, 4)]
    points = pl.sum_horizontal(is_above.cast(pl.Int64) for is_above in above)
    return 5 - points if reverse else 1 + points


def columns(base: pl.DataFrame) -> list[dict[str, pl.Expr]]:
    """Return the columns computed from the joined sums, in two steps."""
    c = pl.col
    nothing = pl.when(c("repeat_days") > 0)
    points = c("email_opens_90d") + 3 * c("email_clicks_90d") + 2 * c("site_visits_90d") - 4 * c("support_tickets_90d")
    first = {
        "recency_days": (c("now") - c("last_s")) / DAY,
        "customer_age_days": (c("now") - c("first_s")) / DAY,
        "tenure_days": (c("now") - pl.min_horizontal("first_s", "signed_up_s")) / DAY,
        "recency_score": score("whole_days", base["whole_days"], reverse=True),
        "frequency_score": score("order_count", base["order_count"]),
        "monetary_score": score("spend_cents", base["spend_cents"]),
        "first_order_cents": c("first_order_cents") - c("first_s") * PACK,
        "gap_mean_days": nothing.then(c("last_repeat_days") / c("repeat_days")),
        "gap_max_days": nothing.then(c("gap_max")),
        "net_cents": c("spend_cents") + c("returned_cents"),
        "earned_cents": c("margin_cents") + c("returned_margin_cents"),
        "points": points.clip(lower_bound=0),
    }
    second = {
        "rfm_cell": 100 * c("recency_score") + 10 * c("frequency_score") + c("monetary_score"),
        "mean_purchase_day_cents": c("spend_cents") / (c("repeat_days") + 1),
        "mean_order_cents": c("spend_cents") / c("order_count"),
        "purchase_velocity": ratio(30 * c("order_count"), c("tenure_days")),
        "gap_std_days": (ratio(c("gap_square_sum"), c("repeat_days")) - c("gap_mean_days") ** 2)
        .clip(lower_bound=0)
        .sqrt(),
        "overdue_ratio": c("recency_days") / c("gap_mean_days"),
        "orders_trend_90d": ratio(2 * c("orders_90d") - c("orders_180d"), c("orders_180d")),
        "spend_trend_90d": ratio(2 * c("spend_90d_cents") - c("spend_180d_cents"), c("spend_180d_cents")),
        "returns_per_order": c("return_count") / c("order_count"),
        "returned_share": ratio(c("spend_cents") - c("net_cents"), c("spend_cents")),
        "discount_share": ratio(c("discount_cents"), c("discount_cents") + c("spend_cents")),
        "margin_share": ratio(c("earned_cents"), c("net_cents")),
        "ltv_to_cac": ratio(c("earned_cents"), c("acquisition_cost_cents")),
        "payback_days": ratio(c("acquisition_cost_cents") * c("tenure_days"), c("earned_cents").clip(lower_bound=0)),
        "email_open_rate_90d": ratio(c("email_opens_90d"), c("emails_sent_90d")),
        "days_since_visit": (c("now") - c("last_visit_s")) / DAY,
        "engagement_score": 100 * c("points") / (c("points") + 10),
        "support_unresolved": (c("support_tickets") - c("support_resolved")).clip(lower_bound=0),
    }
    return [first, second]


ORDER = [
    "as_of",
    "customer_id",
    "recency_days",
    "order_count",
    "spend_cents",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "rfm_cell",
    "tenure_days",
    "customer_age_days",
    "repeat_days",
    "last_repeat_days",
    "mean_purchase_day_cents",
    "first_order_cents",
    "mean_order_cents",
    "purchase_velocity",
    "gap_mean_days",
    "gap_std_days",
    "gap_max_days",
    "overdue_ratio",
    "orders_30d",
    "orders_90d",
    "orders_180d",
    "orders_365d",
    "orders_year_ago_90d",
    "orders_year_ago_180d",
    "spend_30d_cents",
    "spend_90d_cents",
    "spend_180d_cents",
    "spend_365d_cents",
    "spend_year_ago_90d_cents",
    "spend_year_ago_180d_cents",
    "orders_trend_90d",
    "spend_trend_90d",
    "return_count",
    "returns_per_order",
    "returned_share",
    "discount_share",
    "margin_share",
    "earned_cents",
    "acquisition_cost_cents",
    "ltv_to_cac",
    "payback_days",
    "email_opens_30d",
    "email_opens_90d",
    "email_clicks_90d",
    "email_open_rate_90d",
    "site_visits_30d",
    "site_visits_90d",
    "days_since_visit",
    "engagement_score",
    "support_tickets_90d",
    "support_tickets",
    "support_unresolved",
]


def features(task: Task) -> None:
    """From the lake to the file."""
    now = int(task.as_of.timestamp())
    orders = pl.scan_parquet(task.files("orders")).filter(task.moment > AT)
    events = pl.scan_parquet(task.files("events")).filter(pl.col("occurred_at") < task.moment)
    known = (
        pl.scan_parquet(task.files("customers"))
        .filter(pl.col("signed_up_at").is_null() | (pl.col("signed_up_at") < task.moment))
        .select("customer_id", "acquisition_cost_cents", signed_up_s=seconds("signed_up_at"))
    )
    base = (
        purchases(orders, task)
        .filter(pl.col("order_count") > 0)
        .with_columns(now=pl.lit(now), whole_days=(now - pl.col("last_s")) // DAY)
        .collect(engine="streaming")
    )
    table = base.lazy()
    for other in (gaps(orders), visits(events, task), known):
        table = table.join(other, on="customer_id", how="left")
    for step in columns(base):
        table = table.with_columns(**step)
    table.with_columns(as_of=pl.lit(task.moment)).select(ORDER).sink_parquet(task.out, engine="streaming")


if __name__ == "__main__":
    task = arguments()
    contend(lambda: features(task))
