"""What an ingest warns of once it is known what became of the rows: lists of sentences, empty where nothing is odd."""

from collections.abc import Sequence

import duckdb

from regulars.data.schema import NO_CURRENCY
from regulars.errors import SourceError
from regulars.ingest.mapping import Section
from regulars.ingest.report import FileReport, counted

REPEATED, MANY_REJECTS = 0.01, 0.05
"""Shares of the rows."""


SAME = """
select count(*), count(*) filter (again.is_blank), count(*) filter (again.order_value_cents = earlier.order_value_cents)
from repeats
join staged_rows as again using (pos)
join (select order_id, min(pos) as pos from staged_rows where problem is null group by 1) as firsts
    on firsts.order_id = again.order_id
join staged_rows as earlier on earlier.pos = firsts.pos
where repeats.field = 'order_id'
"""
"""Rows of an order_id that was there before: how many, without an amount, and with that of the first row."""

UNSEEN = (
    'if their amounts differ from that row\'s, each is one line of an order: say grain = "line" in [orders] of the map'
)
"""Advice where the rows themselves are not at hand."""

NEARLY_ALL = 0.9
MANY = 5
"""From so many orders on, equal amounts on all lines of nearly all of them are no chance."""


def warn_counts(reports: Sequence[FileReport], advice: str = UNSEEN) -> list[str]:
    """Warn of a table's files without rows, and of many rows whose order_id was there before, with an advice."""
    repeated = sum(report.rejected.get("order_id is a duplicate", 0) for report in reports)
    empty = [f"{file.file} has a header and no rows" for file in reports if not file.rows_read]
    if repeated <= REPEATED * sum(report.rows_read for report in reports):
        return empty
    return [*empty, f"{counted(repeated, 'row')} with the order_id of an earlier row rejected; {advice}"]


def advice_on_repeats(session: duckdb.DuckDBPyConnection) -> str:
    """Say what the amounts of rows with an earlier row's order_id speak for."""
    [(count, blank, equal)] = session.execute(SAME).fetchall()
    if count and equal >= NEARLY_ALL * count:
        return "they repeat the amount of that row, as an order's total on each of its lines does: it was counted once"
    if count and blank >= NEARLY_ALL * count:
        return 'their amounts are blank: say grain = "first_line" in [orders] of the map if they are lines of the order'
    return (
        "their amounts differ from that row's: when a row is one line of an order, "
        'say grain = "line" in [orders] of the map'
    )


EQUAL = """
with orders as (
    select customer_id, order_id, count(*) as lines, min(order_value_cents) as least, max(order_value_cents) as most
    from staged_orders
    where not coalesce(is_return, order_value_cents < 0)
    group by all
    having count(*) > 1
)
select
    count(*),
    count(*) filter (least = most and least <> 0),
    coalesce(sum(lines * least) filter (least = most), 0),
    coalesce(sum(least) filter (least = most), 0)
from orders
"""


def warn_equal_lines(session: duckdb.DuckDBPyConnection, section: Section | None, *, sums_elsewhere: bool) -> list[str]:
    """Refuse lines of which nearly all orders carry one amount on each: an order's total, repeated. SourceError.

    Few orders may be alike by chance: of those it is a warning, unless another column adds up to the amount
    (`sums_elsewhere`).
    """
    if section and section.equal_amounts:
        return []
    [(orders, equal, summed, once)] = session.execute(EQUAL).fetchall()
    if not orders or equal < NEARLY_ALL * orders:
        return []
    said = (
        f"{equal:,} of {orders:,} orders of several lines carry one and the same amount on each line, as if the "
        f"order's total stood on every line: summed that is {summed / once:.1f} times the total"
    )
    if orders >= MANY or sums_elsewhere:
        raise SourceError(
            f'{said}; say grain = "order" in [orders] of the map, or '
            "equal_amounts = true if the lines really cost the same"
        )
    return [f'{said}; if so, say grain = "order" in [orders] of the map']


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
