"""Findings about customers who are missing from a table, and about events and treatments."""

import polars as pl

from regulars.data.schema import EVENT_KINDS
from regulars_workbench.check.counts import Counts, total
from regulars_workbench.check.report import Finding
from regulars_workbench.check.rules.index import findings_of

ARMS = ("treated", "control")
PARTS = {"orders": "ordered", "events": "seen", "treatments": "treated"}
"""By table: its column in customer_overlap."""


def odd_customers(counts: Counts) -> list[Finding]:
    """Return the findings about customers who are in one table and not in another."""
    overlap = counts.frame("customer_overlap")
    listed = overlap.filter(pl.col("listed") == 1)
    people = total(listed, "customer_count")
    findings = [
        *_customers("without_orders", "customers", listed.filter(pl.col("ordered") < 2), people),  # noqa: PLR2004 - orders
        *_customers("orders_before_sign_up", "customers", listed.filter(pl.col("is_early")), people),
    ]
    for table, column in PARTS.items():
        present = overlap.filter(pl.col(column) > 0)
        unlisted = present.filter(pl.col("listed") == 0)
        if not people and table != "orders":  # without a table of customers, those who ordered are the customers
            unlisted = unlisted.filter(pl.col("ordered") == 0)
        elif not people:
            continue
        findings += _customers("not_in_customers", table, unlisted, total(present, "customer_count"))
    return findings


def _customers(name: str, table: str, chosen: pl.DataFrame, of: int) -> list[Finding]:
    ids = [*chosen["first_customer_id"].sort().head(1), *chosen["last_customer_id"].sort().tail(1)]
    return findings_of(name, table, total(chosen, "customer_count"), ids, of=of)


def odd_events(counts: Counts) -> list[Finding]:
    """Return the finding about kinds that no feature uses."""
    days = counts.frame("event_days")
    if not days.height:
        return []
    unread = days.filter(~pl.col("kind").is_in(EVENT_KINDS))
    kinds = unread.group_by("kind").agg(pl.col("row_count").sum()).sort("row_count", descending=True)["kind"]
    return findings_of(
        "unread_kinds", "events", total(unread, "row_count"), kinds.to_list(), of=total(days, "row_count")
    )


def odd_treatments(counts: Counts) -> list[Finding]:
    """Return the findings about the arms of treatments."""
    days = counts.frame("treatment_days")
    if not days.height:
        return []
    rows = total(days, "row_count")
    unknown = days.filter(~pl.col("arm").is_in(ARMS))
    arms = days.filter(pl.col("arm").is_in(ARMS)).group_by("action").agg(pl.col("arm").n_unique())
    incomplete = arms.filter(pl.col("arm") < len(ARMS))["action"].sort().to_list()
    affected = days.filter(pl.col("action").is_in(incomplete)) if incomplete else days.clear()
    return [
        *findings_of("unknown_arms", "treatments", total(unknown, "row_count"), unknown["arm"].to_list(), of=rows),
        *findings_of("no_control", "treatments", total(affected, "row_count"), incomplete, of=rows),
    ]
