"""Findings about every table: missing values, constant columns, stray dates, dates after as_of."""

from datetime import datetime

import polars as pl

from regulars_workbench.check.counts import Counts, day, sales, total
from regulars_workbench.check.findings.days import QUIET_DAYS, Days, Span, by_day, main_span
from regulars_workbench.check.findings.tables import DAYS, OPTIONAL
from regulars_workbench.check.report import Finding, Severity, TableFacts
from regulars_workbench.check.rules.index import findings_of

SUMMED = ("discount", "margin")
"""Columns that features sum. A missing value counts as zero."""
CONSTANT = {
    "orders": ("order_value", "quantity", "discount", "margin"),
    "customers": ("acquisition_channel", "acquisition_cost"),
}
NEEDED = {"orders": ("customer_id", "order_value"), "customers": ("customer_id",)}
MAY_LACK_DAY = "customers"
COMPARED_WITH_ORDERS = ("treatments",)
"""Campaigns are months apart, so their dates are compared with those of the orders."""
CONTROL_HAS_NONE = "treatments"
"""A control arm has no cost, so a missing cost is normal."""


def odd_columns(counts: Counts, tables: dict[str, TableFacts], as_of: datetime | None) -> list[Finding]:
    """Return the findings about values and dates of each table; with `as_of`, also about rows after it."""
    findings = []
    order_span = main_span(*by_day(sales(counts.frame("order_days")), "ordered_at_day"))
    for name, facts in tables.items():
        relation, column = DAYS[name]
        frame = counts.frame(relation)
        if facts.rows:
            findings += _missing(frame, name, column, facts) + _constant(frame, name)
            findings += _dates(frame, name, column, as_of, order_span)
    return findings


def _missing(frame: pl.DataFrame, name: str, column: str, facts: TableFacts) -> list[Finding]:
    lacking = [facts.rows - total(frame, f"{needed}_count") for needed in NEEDED.get(name, ("customer_id",))]
    if name != MAY_LACK_DAY:
        lacking.append(total(frame.filter(pl.col(column).is_null()), "row_count"))
    findings = findings_of("missing_needed_value", name, max(lacking), of=facts.rows)
    for optional in OPTIONAL[name]:
        count = facts.rows - total(frame, f"{optional}_count")
        if 0 < count < facts.rows and name != CONTROL_HAS_NONE:
            severity: Severity | None = None if optional in SUMMED else "note"
            findings += findings_of(
                "partly_missing", name, count, of=facts.rows, detail=f": {optional}", severity=severity
            )
    return findings


def _constant(frame: pl.DataFrame, name: str) -> list[Finding]:
    findings = []
    if name == "orders":  # amounts of returns are those of orders with the other sign
        frame = sales(frame)
    for constant in CONSTANT.get(name, ()):
        least, most = frame[f"{constant}_least"].min(), frame[f"{constant}_most"].max()
        rows = total(frame, f"{constant}_count")
        if rows > 1 and least == most:
            findings += findings_of(
                "constant_column", name, rows, (least,), of=total(frame, "row_count"), detail=f": {constant}"
            )
    return findings


def _dates(
    frame: pl.DataFrame, name: str, column: str, as_of: datetime | None, order_span: Span | None
) -> list[Finding]:
    days, counts = by_day(frame, column)
    stray = _stray(days, counts, order_span if name in COMPARED_WITH_ORDERS else None)
    examples = [
        f"{day(number)}: {count:,} row{'s' if count > 1 else ''}" for number, count in (*stray[-1:], *stray[:-1])
    ]
    rows = int(counts.sum())
    findings = findings_of("stray_dates", name, sum(count for _, count in stray), examples, of=rows)
    if as_of is not None:
        first = -int(-as_of.timestamp() // 86_400)  # the first day that begins at or after it
        findings += findings_of("after_as_of", name, int(counts[days >= first].sum()), of=rows)
    return findings


def _stray(days: Days, counts: Days, order_span: Span | None) -> tuple[tuple[int, int], ...]:
    """Return (day, rows) of days far from the table's other rows, or from the orders when `order_span` is given."""
    if order_span is None:
        span = main_span(days, counts)
        return span.stray if span else ()
    far = (days < order_span.first - QUIET_DAYS) | (days > order_span.last + QUIET_DAYS)
    return tuple((int(number), int(count)) for number, count in zip(days[far], counts[far], strict=True))
