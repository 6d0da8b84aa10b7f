"""Which staged rows of a table are kept and which rejected, with the reason of each, and the count of both by file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from regulars.data.paths import parquet
from regulars.data.schema import NO_CURRENCY, minor_units
from regulars.errors import SourceError
from regulars.ingest.judging import duplicates
from regulars.ingest.judging.repeats import (
    NO_REPEATS,
    REASON,
    fill_rows,
    find_repeats,
    keyed,
    number_files,
    write_problems,
)
from regulars.ingest.reading.open_file import OpenFile
from regulars.ingest.report import FileReport, counted, total
from regulars.ingest.staging import POSITION, REPEATABLE

FIRST_LINES = """
create or replace temp table heads as
with lines as (
    select
        pos,
        is_blank,
        first_value(pos) over (partition by pos // {position}, order_id order by pos) as head
    from {rows}
    where order_id is not null
)
select pos, head from lines where is_blank and pos <> head
"""
"""Lines of an order after its first, whose amount is blank: they follow the first in all that it is."""


@dataclass(frozen=True)
class Policy:
    """What is done with rows that stand twice, what one row is, and how money is shown in warnings."""

    duplicates: str | None = None
    grain: str = "order"
    currency: str = NO_CURRENCY

    def money(self, minor: int) -> str:
        """Show an amount of minor units."""
        places = minor_units(self.currency)
        return f"{minor / 10**places:,.{places}f}" + ("" if self.currency == NO_CURRENCY else f" {self.currency}")


class Rejects:
    """Judges the staged rows of one table: makes the views `staged_<table>` (kept) and `problems` (rejected).

    `files` are the table's by their numbers. `key` is what must be unique: a column, and a second part in SQL under
    which it may come again.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        table: str,
        files: Mapping[int, OpenFile],
        key: tuple[str, str] | None,
        policy: Policy = Policy(),
    ) -> None:
        self.session = session
        self.table = table
        self.files = files
        self.key = key
        self.policy = policy
        self.warnings: list[str] = []

    def settle(self, staged: Path, rejects: Path) -> list[FileReport]:
        """Make the views of kept and rejected rows, write the rejects, and count both by file.

        SourceError when nothing is kept.
        """
        reports = self.judge(staged)
        check_kept(self.table, reports, self.example())
        self.write(rejects / f"{self.table}.parquet")
        return reports

    def judge(self, staged: Path) -> list[FileReport]:
        """Make the views of kept and rejected rows, and count both by file."""
        rows = parquet(sorted(staged.glob("*.parquet")))
        self.session.execute(f"create or replace temp view staged_rows as {self._staged(rows)}")
        number_files(self.session, {number: file.source.name for number, file in self.files.items()})
        self._find_repeats()
        self.session.execute(
            "create or replace temp view good_rows as select * exclude (problem, row) from staged_rows "
            "where problem is null and pos not in (select pos from repeats)"
        )
        if self.table in REPEATABLE:
            self._judge_same_rows()
        self.session.execute(f"create or replace temp view staged_{self.table} as {self._kept()}")
        self.session.execute(
            "create or replace temp view problems as "
            "select pos, problem.field as field, problem.kind as kind, problem.detail as detail, row "
            "from staged_rows where problem is not null union all select pos, field, kind, detail, row from repeats"
        )
        if self.table == "orders":
            self._warn_of_lost_money()
        return self._count()

    def _staged(self, rows: str) -> str:
        """Return the SELECT of the staged rows; where an order's first line has its amount, the others follow that."""
        if self.table != "orders" or self.policy.grain != "first_line":
            return f"select * from {rows}"
        self.session.execute(FIRST_LINES.format(rows=rows, position=POSITION))
        followed = ", ".join(
            f"case when head.pos is null then staged.{name} else head.{name} end as {name}"
            for name in ("customer_id", "ordered_at", "is_return", "problem")
        )
        return (
            f"select staged.* replace ({followed}, "
            "case when head.pos is null then staged.order_value_cents else 0 end as order_value_cents, "
            "case when head.pos is null then staged.row else coalesce(staged.row, '{}') end as row) "
            f"from {rows} as staged left join heads on heads.pos = staged.pos "
            f"left join {rows} as head on head.pos = heads.head"
        )

    def _kept(self) -> str:
        """Return the SELECT of the kept rows; what was sent back of an order is a row of its own."""
        hidden = "row_hash" if self.table in REPEATABLE else "nothing"
        if self.table != "orders":
            return f"select * exclude ({hidden}) from good_rows"
        own = f"{hidden}, is_blank, perhaps"
        columns = self._rows("select name from pragma_table_info('good_rows') where name like 'refund%'")
        if not columns:
            return f"select * exclude ({own}) from good_rows"
        more = f"{own}, {', '.join(name for (name,) in columns)}"
        back = (
            "coalesce(refunded_at, ordered_at) as ordered_at, -abs(refund_cents) as order_value_cents, "
            "true as is_return, null as quantity, null as discount_cents, null as margin_cents"
        )
        return (
            f"select * exclude ({more}) from good_rows union all by name "
            f"select * exclude ({more}) replace ({back}) from good_rows where refund_cents <> 0"
        )

    def _judge_same_rows(self) -> None:
        """Keep, drop or refuse rows that an earlier row equals, as the map says; warn where it says nothing."""
        number = duplicates.find(self.session)
        if not number or self.policy.duplicates == "keep":
            return
        where = ", ".join(place for _, place in duplicates.places(self.session))
        if self.policy.duplicates == "refuse":
            raise duplicates.refuse(number, where)
        if self.policy.duplicates == "drop":
            duplicates.drop(self.session)
            fill_rows(self.session, self.files)
            return
        money = self.policy.money(duplicates.money(self.session)) if self.table == "orders" else None
        self.warnings.append(duplicates.warning(number, where, money))

    def _warn_of_lost_money(self) -> None:
        """Warn of rejected amounts that look like numbers, at any share, with the money that they may stand for."""
        query = (
            "select count(*), sum(perhaps) from staged_rows where perhaps is not null "
            "and problem.field = 'order_value' and problem.kind = 'is not a number'"
        )
        [(count, total)] = self._rows(query)
        if count:
            amount = self.policy.money(round(float(total) * 10 ** minor_units(self.policy.currency)))
            self.warnings.append(
                f"{counted(count, 'row')} rejected for an order_value that looks like an amount, about {amount} "
                "together; look at rejects/orders.parquet, and say decimal in the map or correct the cells"
            )

    def _find_repeats(self) -> None:
        """Collect the second and later rows of a key, each with the first one's place, and their rows as JSON."""
        self.session.execute(NO_REPEATS)
        if self.key is None:
            return
        self.session.execute(f"create or replace temp view keyed as {keyed(self.key, 'staged_rows')}")
        find_repeats(self.session, self.key[0], "keyed")
        fill_rows(self.session, self.files)

    def _count(self) -> list[FileReport]:
        place = f"pos // {POSITION}"
        read = dict(self._rows(f"select {place}, count(*) from staged_rows group by 1"))
        good = "staged_rows where problem is null and pos not in (select pos from repeats)"
        kept = dict(self._rows(f"select {place}, count(*) from {good} group by 1"))
        reasons = self._rows(
            f"select {place}, {REASON}, count(*) as rows from problems group by 1, 2 order by 1, rows desc, 2"
        )
        return [
            FileReport(
                table=self.table,
                file=file.source.name,
                rows_read=read.get(number, 0),
                rows_kept=kept.get(number, 0),
                rejected={reason: count for at, reason, count in reasons if at == number},
            )
            for number, file in self.files.items()
        ]

    def example(self) -> str | None:
        """Return the first problem in words; None when there is none."""
        first = f"select {REASON} || coalesce(': ' || detail, '') from problems order by pos limit 1"
        return next((str(row[0]) for row in self._rows(first)), None)

    def write(self, target: Path) -> int:
        """Write the rejected rows as Parquet, and return their number."""
        target.parent.mkdir(exist_ok=True)
        return write_problems(self.session, "problems", target)

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.session.execute(query).fetchall()


def check_kept(table: str, reports: Sequence[FileReport], example: str | None) -> None:
    """Refuse a table of which nothing is left, with the commonest reasons and one example: SourceError."""
    if not any(report.rows_read for report in reports):
        names = ", ".join(report.file for report in reports)
        raise SourceError(f"{table}: no rows in {names}; export again with the rows")
    if any(report.rows_kept for report in reports):
        return
    top = ", ".join(f"{reason} ({counted(count, 'row')})" for reason, count in list(total(list(reports)).items())[:3])
    raise SourceError(f"{table}: not one row could be kept: {top}; for example {example}. Correct the map or the file")
