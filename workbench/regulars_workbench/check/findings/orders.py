"""Findings about orders and returns."""

import polars as pl

from regulars_workbench.check.counts import Counts, day, sales, total
from regulars_workbench.check.findings.days import by_day, main_span, silences
from regulars_workbench.check.report import Finding
from regulars_workbench.check.rules.index import findings_of
from regulars_workbench.check.rules.thresholds import DOMINANT, MIXED, OUTLIER, REPEATED_ERROR

HOLIDAY_DAYS = 3
"""Longest run of days without orders that may be a holiday."""


def odd_orders(counts: Counts) -> list[Finding]:
    """Return the findings about orders and returns, and about the customers who made them."""
    days = counts.frame("order_days")
    orders = sales(days)
    return [
        *_flags(days),
        *_copies(counts, days),
        *_precision(orders),
        *_silent(orders),
        *_amounts(counts, orders),
        *_returns(counts),
        *_bots(counts),
    ]


def _flags(days: pl.DataFrame) -> list[Finding]:
    rows = total(days, "row_count")
    unflagged = days.filter(pl.col("is_return").is_null())
    wrong = total(days.filter(pl.col("is_return")), "above_zero_count") + total(sales(days), "below_zero_count")
    return [
        *findings_of("no_return_flag", "orders", total(unflagged, "row_count"), of=rows),
        *findings_of("sign_against_flag", "orders", wrong, of=rows),
    ]


def _copies(counts: Counts, days: pl.DataFrame) -> list[Finding]:
    rows = total(days, "row_count")
    copies = counts.row("alike_orders")
    repeated = int(copies["repeated_count"])
    # Without a time of day, two orders of one day and price may be two real orders.
    many = repeated >= REPEATED_ERROR * rows and total(days, "midnight_count") < (1 - MIXED) * rows
    findings = findings_of(
        "repeated_orders",
        "orders",
        repeated,
        (copies["first_repeated"], copies["last_repeated"]),
        of=rows,
        severity="error" if many else None,
    )
    for row in counts.frame("shared_order_ids").iter_rows(named=True):
        name = "shared_order_ids" if row["is_shared"] else "repeated_order_ids"
        findings += findings_of(name, "orders", row["id_count"], (row["first_order_id"], row["last_order_id"]), of=rows)
    return findings + findings_of(
        "instant_refunds",
        "orders",
        int(copies["refunded_count"]),
        (copies["first_refunded"], copies["last_refunded"]),
        of=rows,
    )


def _precision(frame: pl.DataFrame) -> list[Finding]:
    orders, at_midnight = total(frame, "row_count"), total(frame, "midnight_count")
    if at_midnight == orders:
        return findings_of("date_only", "orders", orders, of=orders)
    mixed = MIXED * orders <= at_midnight
    return findings_of("mixed_time_precision", "orders", at_midnight if mixed else 0, of=orders)


def _silent(frame: pl.DataFrame) -> list[Finding]:
    days, counts = by_day(frame, "ordered_at_day")
    span = main_span(days, counts)
    runs = silences(days, counts, span) if span else []
    lengths = [run.last - run.first + 1 for run in runs]
    longest = sorted(runs, key=lambda run: run.first - run.last)
    examples = [f"{day(run.first)} to {day(run.last)}: about {run.expected:,.0f} orders expected" for run in longest]
    return findings_of(
        "silent_days",
        "orders",
        sum(lengths),
        examples,
        of=span.last - span.first + 1 if span else None,
        severity="note" if runs and max(lengths) <= HOLIDAY_DAYS else None,
    )


def _amounts(counts: Counts, frame: pl.DataFrame) -> list[Finding]:
    orders = total(frame, "row_count")
    findings = findings_of("zero_value_orders", "orders", total(frame, "zero_count"), of=orders)
    values = counts.frame("order_values")
    if values.height:
        reached = values["order_count"].cum_sum() >= 0.99 * total(values, "order_count")
        limit = OUTLIER * int(values.filter(reached)["order_value_cents"][0])
        above = total(values.filter(pl.col("order_value_cents") > limit), "order_count")
        rows = counts.frame("outlier_orders", {"above_cents": limit}) if above else values.clear()
        if above:
            rows = rows.sort("order_value_cents", "customer_id", descending=[True, False])
            ids = [row["order_id"] or f"customer {row['customer_id']}" for row in rows.head(2).iter_rows(named=True)]
            findings += findings_of("outlier_amounts", "orders", above, ids, of=orders)
    dominant = counts.frame("dominant_customers", {"part": round(1 / DOMINANT)})
    shares = [
        f"{row['customer_id']}: {row['spend_cents'] / row['total_cents']:.0%}" for row in dominant.rows(named=True)
    ]
    return findings + findings_of("one_customer_dominates", "orders", len(shares), shares)


def _returns(counts: Counts) -> list[Finding]:
    people = counts.row("customer_totals")
    findings = []
    for name, column in (
        ("returns_without_orders", "only_returns"),
        ("returns_before_orders", "returns_before"),
        ("returned_more_than_bought", "more_returned"),
    ):
        ids = (people[f"{column}_first"], people[f"{column}_last"])
        findings += findings_of(name, "orders", people[f"{column}_count"], ids, of=people["customer_count"])
    return findings


def _bots(counts: Counts) -> list[Finding]:
    findings = []
    for name, relation, table, noun in (
        ("inhuman_orders", "busy_order_days", "orders", "order"),
        ("inhuman_events", "busy_event_days", "events", "event"),
    ):
        busy = counts.frame(relation)
        if busy.height:
            top = busy.sort(f"{noun}_count", "customer_id", descending=[True, False]).unique(
                "customer_id", keep="first", maintain_order=True
            )
            day_of = "ordered_at_day" if noun == "order" else "occurred_at_day"
            examples = [
                f"{row['customer_id']}: {row[f'{noun}_count']:,} on {day(row[day_of])}"
                for row in top.head(2).iter_rows(named=True)
            ]
            findings += findings_of(name, table, top.height, examples)
    return findings
