"""Facts of each table of a lake: rows, customers, first and last instant, missing values, size on disk."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from regulars.data.lake import LakeInfo
from regulars.data.schema import TABLES, Table
from regulars_workbench.check.counts import Counts, midnight, sales, total
from regulars_workbench.check.report import OrderFacts, TableFacts

DAYS = {
    "orders": ("order_days", "ordered_at_day"),
    "customers": ("signup_days", "signed_up_at_day"),
    "events": ("event_days", "occurred_at_day"),
    "treatments": ("treatment_days", "treated_at_day"),
}
"""By table: the relation that counts its rows by day, and the name of its day column."""
OPTIONAL = {
    "orders": ("order_id", "quantity", "discount", "margin"),
    "customers": ("signed_up_at", "acquisition_channel", "acquisition_cost"),
    "events": (),
    "treatments": ("cost",),
}


def tables(counts: Counts, lake: Path, info: LakeInfo) -> dict[str, TableFacts]:
    """Return the facts of each table of the lake, without tables that have no files."""
    facts = {}
    for name, table in TABLES.items():
        files = [file for file in (lake / name).glob("**/*.parquet") if file.is_file()]
        if files:
            facts[name] = _facts(counts, table, info, files)
    return facts


def _facts(counts: Counts, table: Table, info: LakeInfo, files: list[Path]) -> TableFacts:
    relation, day = DAYS[table.name]
    frame = counts.frame(relation)
    rows = total(frame, "row_count")
    shares = {name: 1 - total(frame, f"{name}_count") / rows if rows else 1.0 for name in OPTIONAL[table.name]}
    first, last = _span(frame, day, info, table.name, rows)
    return TableFacts(
        rows=rows,
        customers=_customers(counts, table.name),
        first=first,
        last=last,
        missing=shares,
        files=len(files),
        bytes=sum(file.stat().st_size for file in files),
    )


def _span(
    frame: pl.DataFrame, day: str, info: LakeInfo, name: str, rows: int
) -> tuple[datetime | None, datetime | None]:
    """Return first and last instant from lake.json, or first and last day if lake.json has another number of rows."""
    recorded = info.tables.get(name)
    if recorded is not None and recorded.rows == rows:
        first, last = (at.replace(tzinfo=UTC) if at else None for at in (recorded.first, recorded.last))
        return first, last
    days = frame[day].drop_nulls().to_list()
    return (midnight(min(days)), midnight(max(days))) if days else (None, None)


def _customers(counts: Counts, name: str) -> int:
    if name == "orders":
        return int(counts.row("customer_totals")["customer_count"])
    overlap = counts.frame("customer_overlap")
    column = {"customers": "listed", "events": "seen", "treatments": "treated"}[name]
    return total(overlap.filter(pl.col(column) > 0), "customer_count")


def order_facts(counts: Counts) -> OrderFacts:
    """Return the facts of all orders."""
    days, people = counts.frame("order_days"), counts.row("customer_totals")
    bought, returns = sales(days), days.filter(pl.col("is_return"))
    orders, returned = total(bought, "row_count"), total(returns, "row_count")
    buyers = people["buyer_count"]
    return OrderFacts(
        orders=orders,
        returns=returned,
        return_share=returned / (orders + returned) if orders + returned else 0.0,
        value_cents=total(bought, "value_cents"),
        orders_per_customer=orders / buyers if buyers else 0.0,
        one_order_share=people["one_order_count"] / buyers if buyers else 0.0,
    )
