"""First and last order of a log, without stray dates."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

LONGEST_GAP_DAYS = 180
"""More days than this without any order split a log into parts."""

STRAY_SHARE = 0.01
"""A part with a smaller share of the orders is stray: typing errors, test orders, a reset clock."""

PARTS = """
with
    days as (
        select cast(ordered_at as date) as day, count(*) as orders, min(ordered_at) as first, max(ordered_at) as last
        from {orders}
        group by 1
    ),

    gaps as (
        select days.*, coalesce(day - lag(day) over (order by day), 0) > {gap} as begins
        from days
    ),

    numbered as (select gaps.*, sum(cast(begins as integer)) over (order by day) as part from gaps)

select min(first), max(last), cast(sum(orders) as bigint) from numbered group by part order by 1
"""


@dataclass(frozen=True)
class History:
    """The first and the last order that are not stray, and the numbers of stray orders before and after them."""

    first: datetime
    last: datetime
    before: int = 0
    after: int = 0
    farthest: datetime | None = None
    """The latest stray order, or the earliest when none is late."""

    @property
    def span(self) -> timedelta:
        """Time from the first to the last order."""
        return self.last - self.first

    def warnings(self) -> list[str]:
        """Return a warning when there are stray orders: they do not count for the length of the history."""
        if not (self.before or self.after) or self.farthest is None:
            return []
        number = self.before + self.after
        warning = (
            f"{number:,} order{'s lie' if number > 1 else ' lies'} far off all others (as of "
            f"{self.farthest:%Y-%m-%d}); "
            f"the history is taken to run from {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}: "
            "correct or reject such dates"
        )
        return [warning]


def read_history(connection: duckdb.DuckDBPyConnection, orders: str) -> History | None:
    """Return the history of a relation with `ordered_at`; None when it has no row.

    The log is split at gaps of more than LONGEST_GAP_DAYS; parts with less than STRAY_SHARE of the orders are stray.
    """
    parts = connection.execute(PARTS.format(orders=orders, gap=LONGEST_GAP_DAYS)).fetchall()
    if not parts:
        return None
    total = sum(count for *_, count in parts)
    kept = [index for index, (*_, count) in enumerate(parts) if count >= STRAY_SHARE * total]
    first, last = kept[0], kept[-1]
    before = sum(count for *_, count in parts[:first])
    after = sum(count for *_, count in parts[last + 1 :])
    farthest = parts[-1][1] if after else parts[0][0] if before else None
    return History(parts[first][0], parts[last][1], before, after, farthest)
