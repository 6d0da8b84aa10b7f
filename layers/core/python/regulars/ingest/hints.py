"""What an ingest warns of once it is known what became of the rows: lists of sentences, empty where nothing is odd."""

from collections.abc import Sequence

from regulars.data.schema import NO_CURRENCY
from regulars.ingest.report import FileReport, counted

REPEATED, MANY_REJECTS = 0.01, 0.05
"""Shares of the rows."""


def warn_counts(reports: Sequence[FileReport]) -> list[str]:
    """Warn of a table's files without rows, and of repeats that look like the lines of orders."""
    repeated = sum(report.rejected.get("order_id is a duplicate", 0) for report in reports)
    empty = [f"{one.file} has a header and no rows" for one in reports if not one.rows_read]
    if repeated <= REPEATED * sum(report.rows_read for report in reports):
        return empty
    lines = (
        f"{counted(repeated, 'row')} with the order_id of an earlier row rejected; "
        'when a row is one line of an order, say grain = "line" in [orders] of the map'
    )
    return [*empty, lines]


def warn_rejects(reports: Sequence[FileReport]) -> list[str]:
    """Warn of files that lost many rows to bad values; what a rule keeps out was meant."""
    said = []
    for file in reports:
        bad = {reason: count for reason, count in file.rejected.items() if not reason.startswith("excluded by where")}
        if sum(bad.values()) > MANY_REJECTS * file.rows_read:
            worst = max(bad, key=lambda reason: bad[reason])
            said.append(
                f"{sum(bad.values()) / file.rows_read:.0%} of the rows of {file.file} were rejected, "
                f"most as: {worst}; look at rejects/{file.table}.parquet"
            )
    return said


def warn_shared(shared: int) -> list[str]:
    """Warn of so many order ids that are of several customers."""
    if not shared:
        return []
    several = (
        f"{counted(shared, 'order id')} of several customers; each customer's lines were kept as an order "
        "of its own: check customer_id and order_id in the map"
    )
    return [several]


def warn_currency(currency: str) -> list[str]:
    """Warn of amounts of which nobody said what they count."""
    if currency != NO_CURRENCY:
        return []
    return ['no currency was named, amounts are kept in hundredths; say currency = "EUR" in a map']


def warn_unread(names: Sequence[str]) -> list[str]:
    """Warn of files that no section of the map takes."""
    return [f"{name} belongs to no section of the map and was not read; widen a section's files" for name in names]
