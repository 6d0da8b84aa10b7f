"""What an ingest warns of once it is known what became of the rows: lists of sentences, empty where nothing is odd."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import duckdb

from regulars.data.identity import Placeholder
from regulars.data.schema import NO_CURRENCY
from regulars.errors import SourceError
from regulars.ingest.mapping import Section
from regulars.ingest.report import FileReport, counted

REPEATED, MANY_REJECTS = 0.01, 0.05
"""Shares of the rows."""


ALIKE = """
with firsts as (
    select key, is_return, min_by(amount, pos) as amount
    from {keyed}
    where key in (select key from {keyed} where pos in (select pos from repeats))
    group by key, is_return
)
select count(*), count(*) filter (again.amount = firsts.amount)
from {keyed} as again join firsts using (key, is_return)
where again.pos in (select pos from repeats)
"""
"""Rows of a key that was there before: how many, and how many with the amount of the first row."""

NEARLY_ALL = 0.9
MANY = 5
"""From so many orders on, equal amounts on all lines of nearly all of them are no chance."""


def count_alike(session: duckdb.DuckDBPyConnection, keyed: str) -> tuple[int, int]:
    """Count the rows of the table `repeats`, and those of them whose amount is that of the first row of their key."""
    [(count, alike)] = session.execute(ALIKE.format(keyed=keyed)).fetchall()
    return int(count), int(alike)


def warn_counts(reports: Sequence[FileReport], alike: int) -> list[str]:
    """Warn of files without rows, and of many repeated order ids, `alike` of them with the amount of the first row."""
    repeated = sum(report.rejected.get("order_id is a duplicate", 0) for report in reports)
    empty = [f"{file.file} has a header and no rows" for file in reports if not file.rows_read]
    if repeated <= REPEATED * sum(report.rows_read for report in reports):
        return empty
    if alike >= NEARLY_ALL * repeated:
        advice = "they repeat that row's amount, as an order's total on each of its lines does: it was counted once"
    else:
        advice = (
            "their amounts differ from that row's: when a row is one line of an order, "
            'say grain = "line" in [orders] of the map'
        )
    return [*empty, f"{counted(repeated, 'row')} with the order_id of an earlier row rejected; {advice}"]


LINES = """
select
    order_id as key,
    customer_id,
    count(*) filter (is_sale) as lines,
    min(order_value_cents) filter (is_sale) as least,
    max(order_value_cents) filter (is_sale) as most
from (select *, not coalesce(is_return, order_value_cents < 0) as is_sale from staged_orders)
group by order_id, customer_id
"""
"""What one file tells of its orders' lines; of several files they add up."""

EQUAL = """
with orders as (
    select sum(lines) as lines, min(least) as least, max(most) as most
    from {lines}
    group by key, customer_id
    having sum(lines) > 1
)
select
    count(*),
    count(*) filter (least = most and least <> 0),
    cast(coalesce(sum(lines * least) filter (least = most), 0) as bigint),
    cast(coalesce(sum(least) filter (least = most), 0) as bigint)
from orders
"""


class EqualLines(NamedTuple):
    """Orders of several lines, those with one amount on each, and these orders' money summed and counted once."""

    orders: int = 0
    equal: int = 0
    summed: int = 0
    once: int = 0

    @classmethod
    def read(cls, session: duckdb.DuckDBPyConnection, lines: str) -> "EqualLines":
        """Count in a relation of LINES."""
        [row] = session.execute(EQUAL.format(lines=lines)).fetchall()
        return cls(*row)

    def judge(self, section: Section | None, *, sums_elsewhere: bool = False) -> list[str]:
        """Refuse lines of which nearly all orders carry one amount on each: an order's total, repeated. SourceError.

        Few orders may be alike by chance: of those it is a warning, unless another column adds up to the amount
        (`sums_elsewhere`).
        """
        is_confirmed = section is not None and section.equal_amounts
        if is_confirmed or not self.orders or self.equal < NEARLY_ALL * self.orders:
            return []
        message = (
            f"{self.equal:,} of {self.orders:,} orders of several lines carry one and the same amount on each line, "
            f"as if the order's total stood on every line: summed that is {self.summed / self.once:.1f} times the total"
        )
        if self.orders >= MANY or sums_elsewhere:
            raise SourceError(
                f'{message}; say grain = "order" in [orders] of the map, or '
                "equal_amounts = true if the lines really cost the same"
            )
        return [f'{message}; if so, say grain = "order" in [orders] of the map']


def warn_rejects(reports: Sequence[FileReport]) -> list[str]:
    """Warn of files that lost many rows to bad values; what a rule keeps out was meant."""
    warnings = []
    for file in reports:
        bad = {reason: count for reason, count in file.rejected.items() if not reason.startswith("excluded by where")}
        if sum(bad.values()) > MANY_REJECTS * file.rows_read:
            worst = max(bad, key=lambda reason: bad[reason])
            warnings.append(
                f"{sum(bad.values()) / file.rows_read:.0%} of the rows of {file.file} were rejected, "
                f"most as: {worst}; look at rejects/{file.table}.parquet"
            )
    return warnings


def warn_shared(shared: int) -> list[str]:
    """Warn of so many order ids that are of several customers."""
    if not shared:
        return []
    several = (
        f"{counted(shared, 'order id')} of several customers; each customer's lines were kept as an order "
        "of its own: check customer_id and order_id in the map"
    )
    return [several]


def warn_nobody(ids: Sequence[Placeholder], money: Callable[[int], str]) -> list[str]:
    """Warn of ids that are nobody's, with their revenue."""
    if not ids:
        return []
    named = ", ".join(f"{who.customer_id} ({counted(who.orders, 'order')}, {money(who.cents)})" for who in ids[:5])
    return [
        f"customer ids that look like nobody's: {named}; leave them out by a rule (where) unless they are customers"
    ]


def warn_currency(currency: str) -> list[str]:
    """Warn of amounts without a currency."""
    if currency != NO_CURRENCY:
        return []
    return ['no currency was named, amounts are kept in hundredths; say currency = "EUR" in a map']


def warn_unread(names: Sequence[str]) -> list[str]:
    """Warn of files that no section of the map takes."""
    return [f"{name} belongs to no section of the map and was not read; widen a section's files" for name in names]
