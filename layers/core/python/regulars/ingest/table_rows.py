"""One table on its way into the lake: its files staged one by one, its rows judged, what is kept written."""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from regulars.data.schema import Column, Table
from regulars.data.sql import SqlFolder, literal
from regulars.errors import SourceError
from regulars.expressions.compiler import compile_expression, quoted
from regulars.ingest.faults import blame
from regulars.ingest.joins import joined
from regulars.ingest.judging.hints import LINES, EqualLines, count_alike, warn_counts
from regulars.ingest.judging.rejects import Policy, Rejects
from regulars.ingest.mapping import Mapping
from regulars.ingest.reading.archives import unpack
from regulars.ingest.reading.open_file import OpenFile, open_file
from regulars.ingest.reading.sources import SourceFile
from regulars.ingest.report import FileReport
from regulars.ingest.staging import Stager, free_columns
from regulars.ingest.values.currencies import settle

DRAFT = "compression uncompressed, parquet_version v2"
"""How a lake is written that is read once and thrown away."""

STAGED = f"{DRAFT}, dictionary_size_limit 1"
"""How rows are written that are read once or twice: less than half the time of what a lake that stays is worth."""


class TableRows:
    """The rows of one contract table, from the source files to the lake's Parquet."""

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        table: Table,
        mapping: Mapping,
        folder: Path,
        *,
        draft: bool = False,
        joins: Sequence[SourceFile] = (),
    ) -> None:
        self.joins = joins
        self.session = session
        self.table = table
        self.mapping = mapping
        self.section = mapping.sections.get(table.name)
        self.folder = folder
        self.draft = draft
        self.files: list[tuple[SourceFile, OpenFile]] = []
        self.first = 0
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

    def look(self, files: Sequence[SourceFile], tell: Callable[[str], None], first: int = 0) -> None:
        """Open the files, numbered from `first`, and find out how what they hold is written."""
        self.folder.mkdir()
        self.first = first
        workspace = self.folder.parent / f"{self.folder.name}-sources"
        self.files = []
        for file in unpack(files, workspace):
            tell(f"looking at {file.name}")
            opened = open_file(self.session, file, self.mapping, workspace)
            self.files.append(
                (file, joined(self.session, opened, self.table.name, self.mapping, self.joins, workspace))
            )
        self.attributes = self._attributes()
        # All files are checked against the map before the first is read: a wrong name shows at once.
        self.stager = Stager(self.session, self.table, self.mapping, self.section)
        for file, opened in self.files:
            try:
                self.stager.look(opened, self.attributes)
            except duckdb.Error as error:
                raise blame(self.session, file, opened, self.stager.expressions[-1], error) from error
        self.stager.expressions.clear()

    @property
    def found_currency(self) -> tuple[str, str | None]:
        """The currency of all amounts, and a sentence where a column names it; SourceError when there are several."""
        if self.section and self.section.currency:
            return self.mapping.currency, None
        return settle(self.stager.currencies, self.mapping.currency)

    def stage(self, files: Sequence[SourceFile], tell: Callable[[str], None], first: int = 0) -> None:
        """Write each file's rows to a Parquet file of their own under the staging folder, numbered from `first`."""
        self.look(files, tell, first)
        currency, sentence = self.found_currency
        self.stage_seen(self.mapping.model_copy(update={"currency": currency}), tell)
        self.warnings += [sentence] if sentence else []

    def stage_seen(self, mapping: Mapping, tell: Callable[[str], None]) -> None:
        """Stage the files that were looked at; `mapping` is the same map with the currency that was found."""
        self.mapping = self.stager.mapping = mapping
        self.warnings += self.stager.decide()
        selects = [self.stager.select(opened, number, self.attributes) for number, opened in self._numbered().items()]
        for place, select in enumerate(selects):
            file, opened = self.files[place]
            tell(f"reading {file.name} as {self.table.name}")
            try:
                rows = self._copy(select, self.folder / f"{self.first + place:06d}.parquet")
            except duckdb.Error as error:
                raise blame(self.session, file, opened, self.stager.expressions[place], error) from error
            if opened.rows not in (None, rows):
                raise SourceError(f"{file.name}: {opened.rows:,} rows were counted, but {rows:,} read; export it again")
            self.warnings += opened.warnings
            self.warnings += [
                f'{file.name} has several columns called "{name}"; the later ones are called "{name}_2" and so on here'
                for name in sorted(opened.source.doubled)
            ]

    def _numbered(self) -> dict[int, OpenFile]:
        return {self.first + place: opened for place, (_, opened) in enumerate(self.files)}

    def _attributes(self) -> list[str]:
        if self.draft:
            return []
        if self.section:
            return list(self.section.attributes)
        names: dict[str, str] = {}
        for _, opened in self.files:
            for name in free_columns(self.table, opened.source):
                names.setdefault(name.lower(), name)
        return list(names.values())

    def _copy(self, select: str, target: Path) -> int:
        copy = f"copy ({select}) to {literal(str(target))} (format parquet, {STAGED})"
        return int(self.session.execute(copy).fetchall()[0][0])

    def judge(self, rejects: Path) -> list[FileReport]:
        """Keep or reject each row, write the rejects, and count both by file."""
        judged = self.rejects(self.key)
        reports = judged.settle(self.folder, rejects)
        self.warnings += [*judged.warnings, *self._counts(reports)]
        if self.table.name == "orders" and self.grain == "line" and self.has_order_id:
            lines = EqualLines.read(self.session, f"({LINES})")
            self.warnings += lines.judge(self.section, sums_elsewhere=self._sums_elsewhere())
        return reports

    def _counts(self, reports: Sequence[FileReport]) -> list[str]:
        repeats = any("order_id is a duplicate" in report.rejected for report in reports)
        return warn_counts(reports, count_alike(self.session, "keyed")[1] if repeats else 0)

    def _sums_elsewhere(self) -> bool:
        """Say whether a column that the map does not read adds up over an order's lines to the amount on each."""
        read_texts = list((self.section.columns if self.section else {}).values())
        for _, opened in self.files:
            if self.section is None:
                return False
            read = f"({opened.scan})"
            free = [
                name for name in opened.source.columns if not any(name.lower() in text.lower() for text in read_texts)
            ]
            order, value = (
                compile_expression(
                    self.session, self.section.columns[key], opened.source, key, numeric=key == "order_value"
                )
                for key in ("order_id", "order_value")
            )
            for name in free:
                cell = f"try_cast({quoted(name)} as double)"
                query = (
                    f"select count(*) > 0 and bool_and(abs(summed - amount) < 0.005) from ("
                    f"select sum({cell}) as summed, min({value.sql}) as amount from {read} "
                    f"group by {order.sql} having count(*) > 1 and count({cell}) = count(*))"
                )
                if self.session.execute(query).fetchall()[0][0]:
                    return True
        return False

    def rejects(self, key: tuple[str, str] | None, duplicates: str | None = None) -> Rejects:
        """Return what judges the staged rows; `key` must be unique, `duplicates` is the map's unless given."""
        policy = Policy(duplicates or self.mapping.duplicates, self.grain, self.mapping.currency)
        return Rejects(self.session, self.table.name, self._numbered(), key, policy)

    @property
    def key(self) -> tuple[str, str] | None:
        """What must be unique, in two parts: a sale and its return may share a number."""
        if self.table.name == "customers":
            return "customer_id", "false"
        if self.table.name == "orders" and self.grain == "order" and self.has_order_id:
            return "order_id", "coalesce(is_return, order_value_cents < 0)"
        return None

    @property
    def is_summed(self) -> bool:
        """Say whether rows have to be summed to orders: lines, or orders without a number each."""
        # Rows with a number each, all different by now, have nothing to sum: at 20 M rows that saves half the time.
        numbered = self.has_order_id and (
            self.section is not None or all(opened.source.column("order_id") for _, opened in self.files)
        )
        return self.grain != "order" or not numbered

    def write(self, folder: Path, sql: SqlFolder) -> None:
        """Write the kept rows in a fixed order, so that the same input makes the same bytes; a draft as they come."""
        if self.draft:
            write_draft(self.session, self.table, folder, sql, summed=self.is_summed)
        else:
            write_kept(self.session, self.table, self.attributes, folder, sql, summed=self.is_summed)


def write_kept(
    session: duckdb.DuckDBPyConnection,
    table: Table,
    attributes: Sequence[str],
    folder: Path,
    sql: SqlFolder,
    *,
    summed: bool,
) -> None:
    """Write the rows of the relation `staged_<table>` in lake form to `folder`, in a fixed order.

    `summed`: lines of one order become one row. SourceError for sums beyond what the lake can keep.
    """
    columns = [_in_lake_form(column) for column in table.columns]
    columns += [f"attributes.{quoted(attribute)} as {quoted(attribute)}" for attribute in attributes]
    order = "customer_id, ordered_at, order_id, is_return" if table.name == "orders" else "all"
    query = f"select {', '.join(columns)} from {_kept(session, table, sql, summed=summed)} order by {order}"
    _write(session, query, folder / f"{table.name}.parquet", "compression zstd")


def write_draft(
    session: duckdb.DuckDBPyConnection, table: Table, folder: Path, sql: SqlFolder, *, summed: bool
) -> None:
    """Write the same rows as they come, and of their columns those that the SQL of features and labels names."""
    columns = [
        _in_lake_form(column)
        for column in table.columns
        if column.needed or column.name == table.time or sql.mentions(column.lake_name, "features", "labels")
    ]
    query = f"select {', '.join(columns)} from {_kept(session, table, sql, summed=summed)}"
    _write(session, query, folder / f"{table.name}.parquet", DRAFT)


def _in_lake_form(column: Column) -> str:
    """Cast a staged column: quantities travelled as decimals, whose sums do not depend on row order."""
    return f"cast({column.lake_name} as {column.lake_type}) as {column.lake_name}"


def _kept(session: duckdb.DuckDBPyConnection, table: Table, sql: SqlFolder, *, summed: bool) -> str:
    """Return the relation of a table's kept rows; of orders made by the views of sql/staging."""
    if table.name != "orders":
        return f"staged_{table.name}"
    for relation in ("order_lines", "orders"):
        session.execute(f"create or replace temp view {relation} as {sql.relations[relation].text}")
    return "orders" if summed else "order_lines"


def _write(session: duckdb.DuckDBPyConnection, query: str, target: Path, how: str) -> None:
    target.parent.mkdir()
    try:
        session.execute(f"copy ({query}) to {literal(str(target))} (format parquet, {how})")
    except duckdb.ConversionException as error:
        raise SourceError(
            f"{target.stem}: amounts of one order sum beyond what can be kept; check order_value"
        ) from error
