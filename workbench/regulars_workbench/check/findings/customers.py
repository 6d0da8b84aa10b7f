"""What is odd about who is in which table, and about events and treatments."""

import polars as pl

from regulars.data.schema import EVENT_KINDS
from regulars_workbench.check.counts import Counts, total
from regulars_workbench.check.report import Finding
from regulars_workbench.check.rules import found

ARMS = ("treated", "control")
PARTS = {"orders": "ordered", "events": "seen", "treatments": "treated"}
"""By table: the column of customer_overlap that says who is in it."""


def odd_customers(counts: Counts) -> list[Finding]:
    """Return the findings about customers who are in one table and not in another."""
    overlap = counts.frame("customer_overlap")
    listed = overlap.filter(pl.col("listed") == 1)
    people = total(listed, "customer_count")
    findings = [
        *_some("without_orders", "customers", listed.filter(pl.col("ordered") < 2), people),  # noqa: PLR2004 - orders
        *_some("orders_before_sign_up", "customers", listed.filter(pl.col("is_early")), people),
    ]
    for table, column in PARTS.items():
        present = overlap.filter(pl.col(column) > 0)
        strangers = present.filter(pl.col("listed") == 0)
        if not people and table != "orders":  # without a table of customers, the orders say who is one
            strangers = strangers.filter(pl.col("ordered") == 0)
        elif not people:
            continue
        findings += _some("not_in_customers", table, strangers, total(present, "customer_count"))
    return findings


def _some(name: str, table: str, who: pl.DataFrame, of: int) -> list[Finding]:
    ids = [*who["first_customer_id"].sort().head(1), *who["last_customer_id"].sort().tail(1)]
    return found(name, table, total(who, "customer_count"), ids, of=of)


def odd_events(counts: Counts) -> list[Finding]:
    """Return the finding about kinds that no feature reads."""
    days = counts.frame("event_days")
    if not days.height:
        return []
    unread = days.filter(~pl.col("kind").is_in(EVENT_KINDS))
    kinds = unread.group_by("kind").agg(pl.col("row_count").sum()).sort("row_count", descending=True)["kind"]
    return found("unread_kinds", "events", total(unread, "row_count"), kinds.to_list(), of=total(days, "row_count"))


def odd_treatments(counts: Counts) -> list[Finding]:
    """Return the findings about arms."""
    days = counts.frame("treatment_days")
    if not days.height:
        return []
    rows = total(days, "row_count")
    unknown = days.filter(~pl.col("arm").is_in(ARMS))
    arms = days.filter(pl.col("arm").is_in(ARMS)).group_by("action").agg(pl.col("arm").n_unique())
    lonely = arms.filter(pl.col("arm") < len(ARMS))["action"].sort().to_list()
    alone = days.filter(pl.col("action").is_in(lonely)) if lonely else days.clear()
    return [
        *found("unknown_arms", "treatments", total(unknown, "row_count"), unknown["arm"].to_list(), of=rows),
        *found("no_control", "treatments", total(alone, "row_count"), lonely, of=rows),
    ]
