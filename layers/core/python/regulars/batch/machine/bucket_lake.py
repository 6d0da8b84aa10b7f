"""A bucket's pieces, of however many files, as the lake of its customers."""

import json
from pathlib import Path

import duckdb

from regulars.batch.clock import Clock
from regulars.batch.machine.buckets import Bucket, complete, name
from regulars.batch.machine.run import SETTLED, Run
from regulars.batch.work import rows_in
from regulars.globs import parquet
from regulars.ingest.table_rows import write_draft
from regulars.schema import FEATURED, TABLES
from regulars.sql import SqlFolder


def fetch_bucket(
    connection: duckdb.DuckDBPyConnection, run: Run, number: int, folder: Path, sql: SqlFolder, clock: Clock
) -> Bucket:
    """Fetch a bucket's pieces and make a lake of them: lines of one order may come from several files."""
    with clock.stage("fetch"):
        pieces = run.fetch_below(f"{name(number)}/", folder / "pieces", clock)
    rows = rows_in(connection, *pieces) if pieces else 0
    lake = folder / "pieces"
    if run.is_raw:
        lake = folder / "lake"
        lake.mkdir()
        with clock.stage("lake", connection):
            _write_lake(connection, pieces, lake, sql, summed=bool(run.read(SETTLED)["summed"]))
    complete(lake, json.dumps(run.said["info"]))
    return Bucket(number, lake, rows)


def _write_lake(
    connection: duckdb.DuckDBPyConnection, pieces: list[Path], lake: Path, sql: SqlFolder, *, summed: bool
) -> None:
    for table in FEATURED:
        files = [piece for piece in pieces if piece.parent.name == table]
        if files:
            whole = f"select *, struct_pack(none := cast(null as varchar)) as attributes from {parquet(files)}"
            connection.execute(f"create or replace temp view staged_{table} as {whole}")
            write_draft(connection, TABLES[table], lake / table, sql, summed=summed)
