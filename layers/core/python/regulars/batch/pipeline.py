"""From files to scores in a local folder, without S3: shared by the function, the state machine and `regulars batch`.

The results are part.parquet, rejects.parquet and, on request, part.csv. Module `rejects` describes the rejects.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb

from regulars.batch.counts import Counts
from regulars.batch.rejects import unscored, write_rejects
from regulars.batch.resources.clock import Clock
from regulars.data.paths import parquet
from regulars.data.schema import NO_CURRENCY
from regulars.data.sql import literal
from regulars.errors import HistoryError
from regulars.ingest.mapping import Mapping as Map
from regulars.ingest.reading.sources import assign
from regulars.ingest.report import IngestReport
from regulars.ingest.run import Files, ingest_files
from regulars.models.loader import ModelLoader
from regulars.scoring.score import make_lake_features, score

PART, REJECTS, CSV = "part.parquet", "rejects.parquet", "part.csv"
FEATURES, WITHOUT_FEATURES = "features.parquet", "others.parquet"
FEATURE_ROWS = 8_192
"""Customers in a row group of features.parquet. A shard skips the row groups outside its customers."""


def ingest_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: Files,
    lake: Path,
    mapping: Map,
    loader: ModelLoader,
) -> IngestReport:
    """Read files by table into a draft of a lake. Amounts are in the bundle's currency unless the map names one.

    Files under "" are assigned to tables by their names and the map. Raises the errors of `ingest`.
    """
    mapping = with_currency(mapping, loader)
    unread: list[str] = []
    if "" in tables:
        tables, unread = assign(tables[""], mapping)
    sql = loader.bundle.sql
    return ingest_files(tables, lake, mapping=mapping, sql=sql, connection=connection, draft=True, unread=unread)


def with_currency(mapping: Map, loader: ModelLoader) -> Map:
    """Return the map with the bundle's currency when it names none."""
    if mapping.currency != NO_CURRENCY:
        return mapping
    return mapping.model_copy(update={"currency": loader.bundle.manifest.currency})


def score_lake(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    loader: ModelLoader,
    as_of: datetime,
    folder: Path,
    clock: Clock,
) -> tuple[int, dict[str, int]]:
    """Write part.parquet for a lake; return the number of customers scored, and of the others by reason.

    The table `unscored` stays in the connection: customers without a score, with the reason. Raises the errors of
    `score`.
    """
    with clock.stage("score", connection):
        part = folder / PART
        scored = score(connection, lake, loader, as_of, part)
        return scored, unscored(connection, parquet([part]))


def write_lake_features(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    loader: ModelLoader,
    as_of: datetime,
    folder: Path,
) -> tuple[int, dict[str, int]]:
    """Write features.parquet, sorted by customer_id, and others.parquet: customers without features, with the reason.

    Return the number of customers with features, and of the others by reason.
    """
    make_lake_features(connection, lake, loader, as_of)
    features, others = folder / FEATURES, folder / WITHOUT_FEATURES
    query = "select * from customer_features order by customer_id"
    copy = f"copy ({query}) to {literal(str(features))} (format parquet, row_group_size {FEATURE_ROWS})"
    [(customers,)] = connection.execute(copy).fetchall()
    reasons = unscored(connection, parquet([features]))
    connection.execute(f"copy unscored to {literal(str(others))} (format parquet)")
    return customers, reasons


def shard_starts(connection: duckdb.DuckDBPyConnection, features: Path, shard_size: int) -> list[str]:
    """Return the first customer id of each shard of `shard_size` customers."""
    numbered = f"select customer_id, row_number() over (order by customer_id) - 1 as place from {parquet([features])}"
    query = f"select customer_id from ({numbered}) where place % {shard_size} = 0 order by 1"
    return [row[0] for row in connection.execute(query).fetchall()]


def write_csv(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write part.csv from part.parquet: UTF-8, with a header; reasons as JSON."""
    part = parquet([folder / PART])
    types = {row[0]: str(row[1]) for row in connection.execute(f"describe select * from {part}").fetchall()}
    columns = [f"to_json({name}) as {name}" if type_.endswith("[]") else name for name, type_ in types.items()]
    connection.execute(
        f"copy (select {', '.join(columns)} from {part}) to {literal(str(folder / CSV))} (format csv, header)"
    )


def rows_in(connection: duckdb.DuckDBPyConnection, *files: Path) -> int:
    """Count the rows of Parquet files."""
    return int(connection.execute(f"select count(*) from {parquet(files)}").fetchall()[0][0])


def score_files(  # noqa: PLR0913 - one input has these parts
    connection: duckdb.DuckDBPyConnection,
    tables: Files,
    mapping: Map,
    loader: ModelLoader,
    as_of: datetime,
    folder: Path,
    *,
    clock: Clock,
    csv: bool = False,
) -> Counts:
    """Write the results of one input into `folder`; return its counts, which were checked.

    HistoryError when no customer can be scored; also raises the errors of `ingest` and `score`.
    """
    lake = folder.parent / "lake"
    with clock.stage("ingest", connection):
        report = ingest_tables(connection, tables, lake, mapping, loader)
    scored, others = score_lake(connection, lake, loader, as_of, folder, clock)
    if not scored:
        raise HistoryError("no customer could be scored")
    with clock.stage("rejects", connection):
        reject_rows = write_rejects(connection, lake / "rejects", folder / REJECTS)
        if csv:
            write_csv(connection, folder)
        counts = count_input(report, scored, others)
        counts.check(rows_in(connection, folder / PART), reject_rows)
    return counts


def count_input(report: IngestReport, scored: int, others: Mapping[str, int]) -> Counts:
    """Return the counts of an input from its ingest report, customers scored, and the others by reason."""
    rejected = sum(others.values())
    return Counts(
        report.rows_read,
        report.rows_kept,
        report.rows_rejected,
        scored + rejected,
        scored,
        rejected,
        dict(sorted({**report.rejected, **others}.items())),
        report.warnings,
    )
