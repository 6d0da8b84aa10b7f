"""Make one lake of a bucket's files."""

import json
from pathlib import Path

import duckdb

from regulars.batch.pipeline import rows_in
from regulars.batch.resources.clock import Clock
from regulars.batch.state_machine.buckets import Bucket, complete_lake, name
from regulars.batch.state_machine.run import STAGED_SUMMARY, Run
from regulars.data.paths import parquet
from regulars.data.schema import FEATURED, TABLES
from regulars.data.sql import SqlFolder
from regulars.ingest.table_rows import write_draft


def fetch_bucket(
    connection: duckdb.DuckDBPyConnection, run: Run, number: int, folder: Path, sql: SqlFolder, clock: Clock
) -> Bucket:
    """Fetch a bucket's files and make a lake of them. The lines of an order may be in several files."""
    with clock.stage("fetch"):
        files = run.fetch_folder(f"{name(number)}/", folder / "files", clock)
    rows = rows_in(connection, *files) if files else 0
    lake = folder / "files"
    if run.is_raw:
        lake = folder / "lake"
        lake.mkdir()
        with clock.stage("lake", connection):
            _write_lake(connection, files, lake, sql, summed=bool(run.read(STAGED_SUMMARY)["summed"]))
    complete_lake(lake, json.dumps(run.plan["info"]))
    return Bucket(number, lake, rows)


def _write_lake(
    connection: duckdb.DuckDBPyConnection, files: list[Path], lake: Path, sql: SqlFolder, *, summed: bool
) -> None:
    for table in FEATURED:
        table_files = [file for file in files if file.parent.name == table]
        if table_files:
            rows = f"select *, struct_pack(none := cast(null as varchar)) as attributes from {parquet(table_files)}"
            connection.execute(f"create or replace temp view staged_{table} as {rows}")
            write_draft(connection, TABLES[table], lake / table, sql, summed=summed)
