"""From a user's files to a lake: every source row becomes part of a contract table, or a reject with its reason."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from regulars import lake as lakes
from regulars.errors import MapError, SourceError
from regulars.files import atomic_folder
from regulars.globs import parquet
from regulars.ingest.faults import writing
from regulars.ingest.mapping import CONTRACT, Mapping, near, short
from regulars.ingest.report import FileReport, IngestReport, counted, judge, total
from regulars.ingest.sources import SourceFile, assign, find
from regulars.ingest.table_rows import TableRows
from regulars.schema import NO_CURRENCY, TABLES, minor_units
from regulars.sql import SqlFolder, connect

Progress = Callable[[str], None]
REPORT = "ingest_report.json"
MANY_REJECTS = 0.05
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
    MapError for the map. `connection` brings its own memory limit; `progress` is called with one line a step. A `draft`
    holds the same rows in no fixed order: for who reads them once and keeps only what is made of them.
    """
    tell = progress or (lambda _: None)
    _check_outside(sources, out)
    chosen, unread = assign(find(sources), mapping)
    with writing(out), atomic_folder(out, lakes.MARKER) as folder:
        staging = folder / STAGING
        with _session(connection, mapping.timezone, staging) as session:
            run = _Run(session, folder, mapping, sql, tell)
            run.tables(chosen, draft=draft)
            report = run.report(unread)
        shutil.rmtree(staging)
        (folder / REPORT).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return report


def _check_outside(sources: Sequence[Path], out: Path) -> None:
    """Refuse a lake inside a source folder: the next ingest would read it as orders."""
    for source in sources:
        if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
            raise SourceError(f"the lake {out} lies inside the source folder {source}; write it elsewhere")


@contextmanager
def _session(
    connection: duckdb.DuckDBPyConnection | None, timezone: str, staging: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a session in the map's time zone that keeps rows in order: a row's number is its place in the file."""
    staging.mkdir()
    own = connection or connect(threads=os.cpu_count() or 1, temp_directory=staging / "spill")
    [(before,)] = own.execute("select current_setting('preserve_insertion_order')").fetchall()
    try:
        with closing(own.cursor()) as session:
            session.execute("set preserve_insertion_order = true")
            _set_timezone(session, timezone)
            yield session
    finally:
        own.execute(f"set preserve_insertion_order = {before}")
        if connection is None:
            own.close()


def _set_timezone(session: duckdb.DuckDBPyConnection, timezone: str) -> None:
    zones = [row[0] for row in session.execute("select name from pg_timezone_names() order by name").fetchall()]
    if timezone not in zones:
        hint = near(timezone, zones).partition("there are")[0] or "write an IANA name such as Europe/London"
        raise MapError(f'timezone = "{short(timezone)}" is unknown; {hint.strip()}')
    session.execute(f"set timezone = '{timezone}'")


class _Run:
    """One ingest under way: the session, the folder that becomes the lake, and what was counted so far."""

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        folder: Path,
        mapping: Mapping,
        sql: SqlFolder,
        tell: Progress,
    ) -> None:
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

    def tables(self, chosen: dict[str, list[SourceFile]], *, draft: bool) -> None:
        """Stage, check and write each table that has files."""
        for name, files in chosen.items():
            rows = TableRows(self.session, TABLES[name], self.mapping, self.folder / STAGING / name)
            rows.stage(files, self.tell)
            reports = rows.judge(self.folder / "rejects")
            self.tell(f"writing {name}")
            rows.write(self.folder / name, self.sql, draft=draft)
            self.files += reports
            self.warnings += [*rows.warnings, *filter(None, map(_warn_rejects, reports))]
            if name == "orders" and rows.grain == "line" and rows.has_order_id:
                self._warn_shared()

    def _warn_shared(self) -> None:
        [(shared,)] = self.session.execute(
            f"select count(*) from (select order_id from {self._orders} group by order_id "
            "having min(customer_id) <> max(customer_id))"
        ).fetchall()
        if shared:
            self.warnings.append(
                f"{counted(shared, 'order id')} of several customers; each customer's lines were kept as an order "
                "of its own: check customer_id and order_id in the map"
            )

    def report(self, unread: Sequence[str]) -> IngestReport:
        """Finish the lake and say what became of the rows."""
        info = lakes.finish(self.session, self.folder, self.currency, minor_units(self.currency))
        history = self.session.execute(HISTORY.format(orders=self._orders)).fetchall()
        [(sales, returns, customers, repeaters)] = history
        first, last = info.tables["orders"].first, info.tables["orders"].last
        if first is None or last is None:
            raise SourceError("orders: not one was kept")
        rejected = total(self.files)
        if self.currency == NO_CURRENCY:
            self.warnings.append('no currency was named, amounts are kept in hundredths; say currency = "EUR" in a map')
        self.warnings += [
            f"{name} belongs to no section of the map and was not read; widen a section's files" for name in unread
        ]
        return IngestReport(
            currency=self.currency,
            files=self.files,
            tables={name: table.rows for name, table in info.tables.items()},
            rows_read=sum(file.rows_read for file in self.files),
            rows_kept=sum(file.rows_kept for file in self.files),
            rows_rejected=sum(rejected.values()),
            rejected=rejected,
            orders=sales,
            returns=returns,
            customers=customers,
            first_order=first,
            last_order=last,
            verdict=judge((last - first).days, customers, repeaters),
            warnings=self.warnings,
        )


def _warn_rejects(file: FileReport) -> str | None:
    """Warn of a file that lost many rows to bad values; what a rule keeps out was meant."""
    bad = {reason: count for reason, count in file.rejected.items() if not reason.startswith("excluded by where")}
    if sum(bad.values()) <= MANY_REJECTS * file.rows_read:
        return None
    worst = max(bad, key=lambda reason: bad[reason])
    share = sum(bad.values()) / file.rows_read
    return (
        f"{share:.0%} of the rows of {file.file} were rejected, most as: {worst}; look at rejects/{file.table}.parquet"
    )
