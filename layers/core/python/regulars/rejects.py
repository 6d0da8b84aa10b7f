"""One table's rows on their way into the lake: staged file by file, then each kept, or rejected with its reason."""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from regulars.errors import SourceError
from regulars.expressions import literal, quoted
from regulars.ingest_report import FileReport, total
from regulars.mapping import Mapping
from regulars.schema import Table
from regulars.sources import ROW, OpenFile, SourceFile, open_file, unreadable
from regulars.staging import POSITION, Stager, free_columns, source_rows

REASON = "case when field = 'where' then kind else field || ' ' || kind end"
REPEATED = 0.01


class TableRows:
    """The rows of one contract table, in the session's views `staged_<table>` (kept) and `problems` (rejected)."""

    def __init__(self, session: duckdb.DuckDBPyConnection, table: Table, mapping: Mapping | None, folder: Path) -> None:
        self.session = session
        self.table = table
        self.mapping = mapping or Mapping()
        self.section = mapping.sections[table.name] if mapping else None
        self.folder = folder
        self.files: list[tuple[SourceFile, OpenFile]] = []
        self.attributes: list[str] = []
        self.warnings: list[str] = []

    @property
    def grain(self) -> str:
        """What one source row is: an order or a line of one."""
        return self.section.grain if self.section else "order"

    @property
    def has_order_id(self) -> bool:
        """Say whether the source names its orders."""
        if self.section:
            return "order_id" in self.section.columns
        return any(opened.source.column("order_id") for _, opened in self.files)

    def attribute_columns(self) -> list[str]:
        """Select each attribute from the struct that carried it here."""
        return [f"attributes.{quoted(name)} as {quoted(name)}" for name in self.attributes]

    def stage(self, files: Sequence[SourceFile], tell: Callable[[str], None]) -> None:
        """Write each file's rows to a Parquet file of their own under the staging folder."""
        self.folder.mkdir()
        self.files = [(file, open_file(self.session, file, self.mapping.encoding)) for file in files]
        self.attributes = self._attributes()
        stager = Stager(self.session, self.table, self.mapping, self.section)
        # All files are checked against the map before the first is read: a wrong name shows at once.
        selects = [stager.select(opened, number, self.attributes) for number, (_, opened) in enumerate(self.files)]
        for number, select in enumerate(selects):
            file, opened = self.files[number]
            tell(f"reading {file.name} as {self.table.name}")
            self._copy(file, select, self.folder / f"{number:06d}.parquet")
            self._check_quotes(file, opened)
            self.warnings += opened.warnings

    def _attributes(self) -> list[str]:
        if self.section:
            return list(self.section.attributes)
        names: dict[str, str] = {}
        for _, opened in self.files:
            for name in free_columns(self.table, opened.source):
                names.setdefault(name.lower(), name)
        return list(names.values())

    def _copy(self, file: SourceFile, select: str, target: Path) -> None:
        try:
            self.session.execute(f"copy ({select}) to {literal(str(target))} (format parquet)")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise unreadable(file, error) from error

    def _check_quotes(self, file: SourceFile, opened: OpenFile) -> None:
        """Refuse a CSV whose last row swallowed the lines after a quote that never closes: a loss unseen."""
        if not opened.odd_quotes:
            return
        last = self.session.execute(f"select * from ({opened.sql}) order by {ROW} desc limit 1").fetchall()
        if last and any("\n" in cell for cell in last[0] if isinstance(cell, str)):
            *_, row, _ = last[0]
            raise SourceError(
                f"{file.name}: a quote opens in row {row} and never closes, so what follows cannot be read; "
                "close or double it"
            )

    def settle(self, rejects: Path) -> list[FileReport]:
        """Make the views of kept and rejected rows, write the rejects, and count both by file."""
        name = self.table.name
        pattern = literal(str(self.folder / "*.parquet"))
        self.session.execute(f"create or replace temp view staged_rows as select * from read_parquet({pattern})")
        self._find_repeats()
        self.session.execute(
            f"create or replace temp view staged_{name} as select * exclude (problem, row) from staged_rows "
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

    def _key(self) -> tuple[str, str] | None:
        """Name what must be unique, in two parts: a sale and its return may share a number."""
        if self.table.name == "customers":
            return "customer_id", "false"
        if self.table.name == "orders" and self.grain == "order" and self.has_order_id:
            return "order_id", "coalesce(is_return, order_value_cents < 0)"
        return None

    def _find_repeats(self) -> None:
        """Collect the second and later rows of a key, each with the first one's place, and their rows as JSON."""
        self.session.execute(
            "create or replace temp table repeats "
            "(pos bigint, field varchar, kind varchar, detail varchar, row varchar)"
        )
        key = self._key()
        if key is None:
            return
        self._number_files()
        field, is_return = key
        self.session.execute(
            f"insert into repeats with keyed as (select pos, {field} as key, {is_return} as is_return "
            f"from staged_rows where problem is null and {field} is not null), "
            "firsts as (select key, is_return, min(pos) as first from keyed group by all having count(*) > 1) "
            f"select pos, '{field}', 'is a duplicate', "
            f"key || ' first seen at ' || source_file || ' row ' || cast(first % {POSITION} as varchar), null "
            "from keyed join firsts using (key, is_return) "
            f"join source_files on number = first // {POSITION} where pos <> first"
        )
        self._fill_rows()

    def _number_files(self) -> None:
        self.session.execute("create or replace temp table source_files (number bigint, source_file varchar)")
        for number, (file, _) in enumerate(self.files):
            self.session.execute("insert into source_files values (?, ?)", [number, file.name])

    def _fill_rows(self) -> None:
        """Read again the files that repeats came from: rare, and cheaper than carrying every row as JSON."""
        numbers = self.session.execute(f"select distinct pos // {POSITION} from repeats order by 1").fetchall()
        for (number,) in numbers:
            rows = source_rows(self.files[number][1], number)
            update = f"update repeats set row = again.row from ({rows}) as again where repeats.pos = again.pos"
            self.session.execute(update)

    def _count(self) -> list[FileReport]:
        place = f"pos // {POSITION}"
        read = dict(self._rows(f"select {place}, count(*) from staged_rows group by 1"))
        kept = dict(self._rows(f"select {place}, count(*) from staged_{self.table.name} group by 1"))
        reasons = self._rows(
            f"select {place}, {REASON}, count(*) as rows from problems group by 1, 2 order by 1, rows desc, 2"
        )
        reports = [
            FileReport(
                table=self.table.name,
                file=file.name,
                rows_read=read.get(number, 0),
                rows_kept=kept.get(number, 0),
                rejected={reason: count for at, reason, count in reasons if at == number},
            )
            for number, (file, _) in enumerate(self.files)
        ]
        self.warnings += [f"{one.file} has a header and no rows" for one in reports if not one.rows_read]
        self._hint_at_lines(reports)
        return reports

    def _hint_at_lines(self, reports: Sequence[FileReport]) -> None:
        repeated = sum(report.rejected.get("order_id is a duplicate", 0) for report in reports)
        if repeated > REPEATED * sum(report.rows_read for report in reports):
            self.warnings.append(
                f"{repeated} rows repeat the order_id of an earlier row and were rejected; "
                'when a row is one line of an order, say grain = "line" in [orders] of the map'
            )

    def _check_kept(self, reports: Sequence[FileReport]) -> None:
        """Refuse a table of which nothing is left, with the commonest reasons and one example."""
        name = self.table.name
        if not any(report.rows_read for report in reports):
            raise SourceError(
                f"{name}: no rows in {', '.join(report.file for report in reports)}; export again with the rows"
            )
        if any(report.rows_kept for report in reports):
            return
        top = [f"{reason} ({count} rows)" for reason, count in list(total(list(reports)).items())[:3]]
        [(example,)] = self._rows(f"select {REASON} || coalesce(': ' || detail, '') from problems order by pos limit 1")
        raise SourceError(
            f"{name}: not one row could be kept: {', '.join(top)}; for example {example}. Correct the map or the file"
        )

    def _write_rejects(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._number_files()
        target = literal(str(folder / f"{self.table.name}.parquet"))
        query = (
            f"select source_file, pos % {POSITION} as source_row, field, "
            f"{REASON} || coalesce(': ' || detail, '') as reason, row "
            f"from problems join source_files on number = pos // {POSITION} order by pos"
        )
        self.session.execute(f"copy ({query}) to {target} (format parquet, compression zstd)")

    def _rows(self, query: str) -> list[tuple]:  # type: ignore[type-arg]
        return self.session.execute(query).fetchall()
