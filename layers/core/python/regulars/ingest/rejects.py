"""Which staged rows of a table are kept and which rejected, with the reason of each, and the count of both by file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from regulars.errors import SourceError
from regulars.globs import parquet
from regulars.ingest.readers import OpenFile
from regulars.ingest.report import FileReport, counted, total
from regulars.ingest.staging import POSITION, source_rows
from regulars.sql import literal

REASON = "case when field = 'where' then kind else field || ' ' || kind end"
REPEATED = 0.01


class Rejects:
    """Judges the staged rows of one table: makes the views `staged_<table>` (kept) and `problems` (rejected).

    `key` is what must be unique: a column, and a second part in SQL under which it may come again.
    """

    def __init__(
        self, session: duckdb.DuckDBPyConnection, table: str, files: Sequence[OpenFile], key: tuple[str, str] | None
    ) -> None:
        self.session = session
        self.table = table
        self.files = files
        self.key = key
        self.warnings: list[str] = []

    def settle(self, staged: Path, rejects: Path) -> list[FileReport]:
        """Make the views of kept and rejected rows, write the rejects, and count both by file."""
        rows = parquet(sorted(staged.glob("*.parquet")))
        self.session.execute(f"create or replace temp view staged_rows as select * from {rows}")
        self._find_repeats()
        self.session.execute(
            f"create or replace temp view staged_{self.table} as select * exclude (problem, row) from staged_rows "
            "where problem is null and pos not in (select pos from repeats)"
        )
        self.session.execute(
            "create or replace temp view problems as "
            "select pos, problem.field as field, problem.kind as kind, problem.detail as detail, row "
            "from staged_rows where problem is not null union all select pos, field, kind, detail, row from repeats"
        )
        reports = self._count()
        self._check_kept(reports)
        self._write_rejects(rejects)
        return reports

    def _find_repeats(self) -> None:
        """Collect the second and later rows of a key, each with the first one's place, and their rows as JSON."""
        self.session.execute(
            "create or replace temp table repeats "
            "(pos bigint, field varchar, kind varchar, detail varchar, row varchar)"
        )
        if self.key is None:
            return
        field, is_return = self.key
        keyed = (
            f"(select pos, {field} as key, {is_return} as is_return "
            f"from staged_rows where problem is null and {field} is not null)"
        )
        if not self._suspects(keyed):
            return
        self._number_files()
        self.session.execute(
            f"insert into repeats with keyed as (select * from {keyed} where hash(key, is_return) in (from suspects)), "
            "firsts as (select key, is_return, min(pos) as first from keyed group by all having count(*) > 1) "
            f"select pos, '{field}', 'is a duplicate', "
            f"key || ' first seen at ' || source_file || ' row ' || cast(first % {POSITION} as varchar), null "
            "from keyed join firsts using (key, is_return) "
            f"join source_files on number = first // {POSITION} where pos <> first"
        )
        self._fill_rows()

    def _suspects(self, keyed: str) -> bool:
        """Collect the hashes that stand more than once: two thirds of the time that the keys themselves would take."""
        self.session.execute(
            "create or replace temp table suspects as "
            f"select hash(key, is_return) as hashed from {keyed} group by 1 having count(*) > 1"
        )
        return bool(self._rows("select 1 from suspects limit 1"))

    def _number_files(self) -> None:
        self.session.execute("create or replace temp table source_files (number bigint, source_file varchar)")
        for number, file in enumerate(self.files):
            self.session.execute("insert into source_files values (?, ?)", [number, file.source.name])

    def _fill_rows(self) -> None:
        """Read again the files that repeats came from: rare, and cheaper than carrying every row as JSON."""
        numbers = self.session.execute(f"select distinct pos // {POSITION} from repeats order by 1").fetchall()
        for (number,) in numbers:
            rows = source_rows(self.files[number], number)
            update = f"update repeats set row = again.row from ({rows}) as again where repeats.pos = again.pos"
            self.session.execute(update)

    def _count(self) -> list[FileReport]:
        place = f"pos // {POSITION}"
        read = dict(self._rows(f"select {place}, count(*) from staged_rows group by 1"))
        kept = dict(self._rows(f"select {place}, count(*) from staged_{self.table} group by 1"))
        reasons = self._rows(
            f"select {place}, {REASON}, count(*) as rows from problems group by 1, 2 order by 1, rows desc, 2"
        )
        reports = [
            FileReport(
                table=self.table,
                file=file.source.name,
                rows_read=read.get(number, 0),
                rows_kept=kept.get(number, 0),
                rejected={reason: count for at, reason, count in reasons if at == number},
            )
            for number, file in enumerate(self.files)
        ]
        self.warnings += [f"{one.file} has a header and no rows" for one in reports if not one.rows_read]
        self._hint_at_lines(reports)
        return reports

    def _hint_at_lines(self, reports: Sequence[FileReport]) -> None:
        repeated = sum(report.rejected.get("order_id is a duplicate", 0) for report in reports)
        if repeated > REPEATED * sum(report.rows_read for report in reports):
            self.warnings.append(
                f"{counted(repeated, 'row')} with the order_id of an earlier row rejected; "
                'when a row is one line of an order, say grain = "line" in [orders] of the map'
            )

    def _check_kept(self, reports: Sequence[FileReport]) -> None:
        """Refuse a table of which nothing is left, with the commonest reasons and one example."""
        if not any(report.rows_read for report in reports):
            names = ", ".join(report.file for report in reports)
            raise SourceError(f"{self.table}: no rows in {names}; export again with the rows")
        if any(report.rows_kept for report in reports):
            return
        top = ", ".join(
            f"{reason} ({counted(count, 'row')})" for reason, count in list(total(list(reports)).items())[:3]
        )
        first = f"select {REASON} || coalesce(': ' || detail, '') from problems order by pos limit 1"
        [(example,)] = self._rows(first)
        raise SourceError(
            f"{self.table}: not one row could be kept: {top}; for example {example}. Correct the map or the file"
        )

    def _write_rejects(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._number_files()
        target = literal(str(folder / f"{self.table}.parquet"))
        query = (
            f"select source_file, pos % {POSITION} as source_row, field, "
            f"{REASON} || coalesce(': ' || detail, '') as reason, row "
            f"from problems join source_files on number = pos // {POSITION} order by pos"
        )
        self.session.execute(f"copy ({query}) to {target} (format parquet, compression zstd)")

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.session.execute(query).fetchall()
