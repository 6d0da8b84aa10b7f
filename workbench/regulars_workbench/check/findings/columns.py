"""What is odd about any table: missing values, constant columns, dates far from the rest or after as_of."""

from datetime import datetime

import polars as pl

from regulars_workbench.check.counts import Counts, day, sales, total
from regulars_workbench.check.findings.days import QUIET_DAYS, Days, Stretch, by_day, stretch
from regulars_workbench.check.findings.tables import DAYS, OPTIONAL
from regulars_workbench.check.report import Finding, Severity, TableFacts
from regulars_workbench.check.rules import found

SUMMED = ("discount", "margin")
"""Columns of which features add up what is there, so that a missing value counts as nothing."""
CONSTANT = {
    "orders": ("order_value", "quantity", "discount", "margin"),
    "customers": ("acquisition_channel", "acquisition_cost"),
}
NEEDED = {"orders": ("customer_id", "order_value"), "customers": ("customer_id",)}
MAY_LACK_DAY = "customers"
IN_WAVES = ("treatments",)
"""Campaigns are months apart: their dates are held against those of the orders."""
CONTROL_HAS_NONE = "treatments"
"""A control arm costs nothing: a missing cost there is no gap."""


def odd_columns(counts: Counts, tables: dict[str, TableFacts], as_of: datetime | None) -> list[Finding]:
    """Return the findings about values and dates of each table; those after `as_of` only when it was given."""
    findings = []
    log = stretch(*by_day(sales(counts.frame("order_days")), "ordered_at_day"))
    for name, facts in tables.items():
        relation, column = DAYS[name]
        frame = counts.frame(relation)
        if facts.rows:
            findings += _missing(frame, name, column, facts) + _constant(frame, name)
            findings += _dates(frame, name, column, as_of, log)
    return findings


def _missing(frame: pl.DataFrame, name: str, column: str, facts: TableFacts) -> list[Finding]:
    lacking = [facts.rows - total(frame, f"{one}_count") for one in NEEDED.get(name, ("customer_id",))]
    if name != MAY_LACK_DAY:
        lacking.append(total(frame.filter(pl.col(column).is_null()), "row_count"))
    findings = found("missing_needed_value", name, max(lacking), of=facts.rows)
    for one in OPTIONAL[name]:
        count = facts.rows - total(frame, f"{one}_count")
        if 0 < count < facts.rows and name != CONTROL_HAS_NONE:
            severity: Severity | None = None if one in SUMMED else "note"
            findings += found("partly_missing", name, count, of=facts.rows, what=f": {one}", severity=severity)
    return findings


def _constant(frame: pl.DataFrame, name: str) -> list[Finding]:
    findings = []
    if name == "orders":  # a return's amounts are those of a sale with the other sign
        frame = sales(frame)
    for one in CONSTANT.get(name, ()):
        least, most, rows = frame[f"{one}_least"].min(), frame[f"{one}_most"].max(), total(frame, f"{one}_count")
        if rows > 1 and least == most:
            findings += found("constant_column", name, rows, (least,), of=total(frame, "row_count"), what=f": {one}")
    return findings


def _dates(frame: pl.DataFrame, name: str, column: str, as_of: datetime | None, log: Stretch | None) -> list[Finding]:
    days, counts = by_day(frame, column)
    stray = _stray(days, counts, log if name in IN_WAVES else None)
    said = [f"{day(number)}: {count:,} row{'s' if count > 1 else ''}" for number, count in (*stray[-1:], *stray[:-1])]
    rows = int(counts.sum())
    findings = found("stray_dates", name, sum(count for _, count in stray), said, of=rows)
    if as_of is not None:
        first = -int(-as_of.timestamp() // 86_400)  # the first whole day at or after it
        findings += found("after_as_of", name, int(counts[days >= first].sum()), of=rows)
    return findings


def _stray(days: Days, counts: Days, log: Stretch | None) -> tuple[tuple[int, int], ...]:
    """Return (day, rows) far from the table's own rest, or far from the orders where these are given."""
    if log is None:
        within = stretch(days, counts)
        return within.stray if within else ()
    far = (days < log.first - QUIET_DAYS) | (days > log.last + QUIET_DAYS)
    return tuple((int(number), int(count)) for number, count in zip(days[far], counts[far], strict=True))
