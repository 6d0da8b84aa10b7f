"""From a user's files to a lake: every source row becomes part of a contract table, or a reject with its reason."""

import shutil
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Map
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from regulars.data import lake as lakes
from regulars.data.atomic_files import atomic_folder
from regulars.data.history import read_history
from regulars.data.identity import placeholders
from regulars.data.paths import parquet
from regulars.data.schema import TABLES, minor_units
from regulars.data.sql import SqlFolder
from regulars.errors import SourceError
from regulars.expressions.compiler import Source
from regulars.ingest.exports.recognise import Export, is_contract, recognise
from regulars.ingest.faults import writing
from regulars.ingest.judging.hints import warn_currency, warn_nobody, warn_rejects, warn_shared, warn_unread
from regulars.ingest.judging.rejects import Policy
from regulars.ingest.mapping import CONTRACT, Mapping
from regulars.ingest.reading.archives import unpack
from regulars.ingest.reading.open_file import columns_of
from regulars.ingest.reading.session import ingesting
from regulars.ingest.reading.sources import SourceFile, assign, find, matching, unsupported
from regulars.ingest.report import FileReport, IngestReport, judge, total
from regulars.ingest.table_rows import TableRows
from regulars.text import near

Progress = Callable[[str], None]
Files = Map[str, Sequence[SourceFile]]
REPORT = "ingest_report.json"
STAGING = ".staging"

HISTORY = """
with customers as (
    select
        count(*) filter (where not is_return) as sales,
        count(*) filter (where is_return) as returns
    from {orders}
    group by customer_id
)
select cast(sum(sales) as bigint), cast(sum(returns) as bigint), count(*), count(*) filter (where sales > 1)
from customers
"""


def ingest(  # noqa: PLR0913 - one plain knob each, given by name
    sources: Sequence[Path],
    out: Path,
    *,
    mapping: Mapping = CONTRACT,
    sql: SqlFolder,
    connection: duckdb.DuckDBPyConnection | None = None,
    progress: Progress | None = None,
    draft: bool = False,
) -> IngestReport:
    """Read `sources` through `mapping` (without sections: the contract's own column names) and write the lake `out`.

    The lake appears whole or not at all, and one that was there before stays when this raises: SourceError for files,
    MapError for the map. `connection` brings its own memory limit, and keeps the views that were made on the way;
    `progress` is called with one line a step. A `draft` holds the same rows in no fixed order and only what features
    read: for who reads it once and keeps what is made of it.
    """
    _check_outside(sources, out)
    files = find(sources)
    chosen, unread = assign(files, mapping)
    export = None if mapping.sections else _recognised(chosen["orders"], mapping, connection)
    if export:
        mapping = export.mapping.model_copy(update=_told(mapping))
        chosen = {"orders": chosen["orders"]}
    return ingest_files(
        chosen,
        out,
        mapping=mapping,
        sql=sql,
        connection=connection,
        progress=progress,
        draft=draft,
        unread=[*unread, *unsupported(sources)],
        joins=[file for join in mapping.join for file in matching(files, join.file)],
        export=export,
    )


def _recognised(
    files: Sequence[SourceFile], mapping: Mapping, connection: duckdb.DuckDBPyConnection | None
) -> Export | None:
    """Return the known export that files without a map are; None for the contract's own columns, or unknown ones."""
    with TemporaryDirectory() as folder, ingesting(connection, mapping.timezone, Path(folder)) as session:
        workspace = Path(folder) / "sources"
        opened = [columns_of(session, file, mapping, workspace) for file in unpack(files, workspace)]
    if all(map(is_contract, opened)):
        return None
    export = recognise(opened)
    if export is None:
        raise _unknown(opened)
    return export


def _unknown(sources: Sequence[Source]) -> SourceError:
    """Name a needed column that a file without a map lacks, and how to get a map."""
    needed = [column.name for column in TABLES["orders"].columns if column.needed]
    source, column = next((source, name) for source in sources for name in needed if source.column(name) is None)
    return SourceError(
        f'{source.name}: no column "{column}", and no known export; {near(column, [*source.columns])}; '
        f'"regulars map {source.name} --out my.toml" drafts a map'
    )


def _told(mapping: Mapping) -> dict[str, Any]:
    """Return what a map without sections says; the known export's map is followed in the rest."""
    return {name: getattr(mapping, name) for name in mapping.model_fields_set if name != "sections"}


def ingest_files(  # noqa: PLR0913 - one plain knob each, given by name
    chosen: Files,
    out: Path,
    *,
    mapping: Mapping,
    sql: SqlFolder,
    connection: duckdb.DuckDBPyConnection | None = None,
    progress: Progress | None = None,
    draft: bool = False,
    unread: Sequence[str] = (),
    joins: Sequence[SourceFile] = (),
    export: Export | None = None,
) -> IngestReport:
    """Read files whose tables are known, as `ingest`; `unread` are the names of others, `joins` what joins read."""
    tell = progress or (lambda _: None)
    with writing(out), atomic_folder(out, lakes.MARKER) as folder:
        staging = folder / STAGING
        staging.mkdir()
        with ingesting(connection, mapping.timezone, staging) as session:
            run = _Run(session, folder, mapping, sql, tell, joins)
            run.tables(chosen, draft=draft)
            report = run.report(unread, export)
        shutil.rmtree(staging)
        (folder / REPORT).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return report


def _check_outside(sources: Sequence[Path], out: Path) -> None:
    """Refuse a lake inside a source folder: the next ingest would read it as orders."""
    for source in sources:
        if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
            raise SourceError(f"the lake {out} lies inside the source folder {source}; write it elsewhere")


SHARED = """
select count(*)
from (select order_id from {orders} group by order_id having min(customer_id) <> max(customer_id))
"""
"""How many order ids are of several customers."""


class _Run:
    """One ingest under way: the session, the folder that becomes the lake, and what was counted so far."""

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        folder: Path,
        mapping: Mapping,
        sql: SqlFolder,
        tell: Progress,
        joins: Sequence[SourceFile] = (),
    ) -> None:
        self.joins = joins
        self.session = session
        self.folder = folder
        self.mapping = mapping
        self.sql = sql
        self.tell = tell
        self.files: list[FileReport] = []
        self.warnings: list[str] = []

    @property
    def currency(self) -> str:
        return self.mapping.currency

    @property
    def _orders(self) -> str:
        """The lake's orders as written, in SQL."""
        return parquet([self.folder / "orders" / "orders.parquet"])

    def tables(self, chosen: Files, *, draft: bool) -> None:
        """Stage, check and write each table that has files; the orders' own currency is that of all."""
        tables = {
            name: TableRows(
                self.session, TABLES[name], self.mapping, self.folder / STAGING / name, draft=draft, joins=self.joins
            )
            for name in chosen
        }
        for name, rows in tables.items():
            rows.look(chosen[name], self.tell)
        currency, sentence = tables["orders"].found_currency
        self.mapping = self.mapping.model_copy(update={"currency": currency})
        self.warnings += [sentence] if sentence else []
        for name, rows in tables.items():
            rows.stage_seen(self.mapping, self.tell)
            reports = rows.judge(self.folder / "rejects")
            self.tell(f"writing {name}")
            rows.write(self.folder / name, self.sql)
            self.files += reports
            self.warnings += [*rows.warnings, *warn_rejects(reports)]
            if name == "orders" and rows.grain != "order" and rows.has_order_id:
                self._warn_shared()

    def _warn_shared(self) -> None:
        [(shared,)] = self.session.execute(SHARED.format(orders="staged_orders")).fetchall()
        self.warnings += warn_shared(shared)

    def report(self, unread: Sequence[str], export: Export | None = None) -> IngestReport:
        """Finish the lake and say what became of the rows."""
        info = lakes.finish(self.session, self.folder, self.currency, minor_units(self.currency))
        history = self.session.execute(HISTORY.format(orders=self._orders)).fetchall()
        [(sales, returns, customers, repeaters)] = history
        seen = read_history(self.session, self._orders)
        if seen is None:
            raise SourceError("orders: not one was kept")
        self.warnings += seen.warnings()
        self.warnings += warn_nobody(placeholders(self.session, self._orders), Policy(currency=self.currency).money)
        rejected = total(self.files)
        self.warnings += warn_currency(self.currency) + warn_unread(unread)
        if export and export.about.note:
            self.warnings.append(f"{export.about.name}: {export.about.note}")
        return IngestReport(
            currency=self.currency,
            recognised=export.about.name if export else None,
            map=export.text if export else None,
            files=self.files,
            tables={name: table.rows for name, table in info.tables.items()},
            rows_read=sum(file.rows_read for file in self.files),
            rows_kept=sum(file.rows_kept for file in self.files),
            rows_rejected=sum(rejected.values()),
            rejected=rejected,
            orders=sales,
            returns=returns,
            customers=customers,
            first_order=seen.first,
            last_order=seen.last,
            verdict=judge(seen.span.days, customers, repeaters),
            warnings=self.warnings,
        )
