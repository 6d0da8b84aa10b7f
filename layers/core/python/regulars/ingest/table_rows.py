"""One table on its way into the lake: its files staged one by one, its rows judged, what is kept written."""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from regulars.errors import SourceError
from regulars.ingest.expressions import quoted
from regulars.ingest.faults import blame
from regulars.ingest.mapping import Mapping
from regulars.ingest.readers import ROW, OpenFile, open_file
from regulars.ingest.rejects import Rejects
from regulars.ingest.report import FileReport
from regulars.ingest.sources import SourceFile
from regulars.ingest.staging import Stager, free_columns
from regulars.schema import Table
from regulars.sql import SqlFolder, literal

DRAFT = "compression uncompressed, parquet_version v2"
"""How a lake is written that is read once and thrown away."""

STAGED = f"{DRAFT}, dictionary_size_limit 1"
"""How rows are written that are read once or twice: less than half the time of what a lake that stays is worth."""


class TableRows:
    """The rows of one contract table, from the source files to the lake's Parquet."""

    def __init__(self, session: duckdb.DuckDBPyConnection, table: Table, mapping: Mapping, folder: Path) -> None:
        self.session = session
        self.table = table
        self.mapping = mapping
        self.section = mapping.sections.get(table.name)
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
            try:
                self._copy(select, self.folder / f"{number:06d}.parquet")
            except duckdb.Error as error:
                raise blame(self.session, file, opened, stager.said[number], error) from error
            self._check_quotes(file, opened)
            self.warnings += opened.warnings
            self.warnings += [
                f'{file.name} has several columns called "{name}"; the later ones are called "{name}_2" and so on here'
                for name in sorted(opened.source.doubled)
            ]

    def _attributes(self) -> list[str]:
        if self.section:
            return list(self.section.attributes)
        names: dict[str, str] = {}
        for _, opened in self.files:
            for name in free_columns(self.table, opened.source):
                names.setdefault(name.lower(), name)
        return list(names.values())

    def _copy(self, select: str, target: Path) -> None:
        self.session.execute(f"copy ({select}) to {literal(str(target))} (format parquet, {STAGED})")

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

    def judge(self, rejects: Path) -> list[FileReport]:
        """Keep or reject each row, write the rejects, and count both by file."""
        judged = Rejects(self.session, self.table.name, [opened for _, opened in self.files], self._key())
        reports = judged.settle(self.folder, rejects)
        self.warnings += judged.warnings
        return reports

    def _key(self) -> tuple[str, str] | None:
        """Name what must be unique, in two parts: a sale and its return may share a number."""
        if self.table.name == "customers":
            return "customer_id", "false"
        if self.table.name == "orders" and self.grain == "order" and self.has_order_id:
            return "order_id", "coalesce(is_return, order_value_cents < 0)"
        return None

    def write(self, folder: Path, sql: SqlFolder, *, draft: bool) -> None:
        """Write the kept rows in a fixed order, so that the same input makes the same bytes; a draft as they come.

        A draft has only the columns that the SQL of features names.
        """
        name = self.table.name
        # An attribute travelled in a struct, and quantities as decimals, whose sums do not depend on row order.
        columns = [
            f"cast({column.lake_name} as {column.lake_type}) as {column.lake_name}"
            for column in self.table.columns
            if not draft or column.needed or sql.mentions("features", column.lake_name)
        ]
        if not draft:
            columns += [f"attributes.{quoted(attribute)} as {quoted(attribute)}" for attribute in self.attributes]
        source, order = self._orders(sql) if name == "orders" else (f"staged_{name}", "all")
        folder.mkdir()
        target = literal(str(folder / f"{name}.parquet"))
        query = f"select {', '.join(columns)} from {source}"
        query, how = (query, DRAFT) if draft else (f"{query} order by {order}", "compression zstd")
        try:
            self.session.execute(f"copy ({query}) to {target} (format parquet, {how})")
        except duckdb.ConversionException as error:
            raise SourceError(f"{name}: amounts of one order sum beyond what can be kept; check order_value") from error

    def _orders(self, sql: SqlFolder) -> tuple[str, str]:
        """Make the views of sql/staging; return which one holds the orders, and their order."""
        for relation in ("order_lines", "orders"):
            self.session.execute(f"create or replace temp view {relation} as {sql.relations[relation].text}")
        # Rows with a number each, all different by now, have nothing to sum: at 20 M rows that saves half the time.
        summed = self.grain == "line" or not self._all_numbered()
        return "orders" if summed else "order_lines", "customer_id, ordered_at, order_id, is_return"

    def _all_numbered(self) -> bool:
        return self.has_order_id and (
            self.section is not None or all(opened.source.column("order_id") for _, opened in self.files)
        )
