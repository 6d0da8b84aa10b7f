"""The state machine's step for one file: split its rows into buckets, without the repeats of a raw file."""

from pathlib import Path
from typing import Any

import duckdb

from regulars.batch.counts import CountMismatchError
from regulars.batch.pipeline import REJECTS, rows_in
from regulars.batch.rejects import write_rejected_rows
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import SPLIT_ADVICE, check_size
from regulars.batch.resources.workspace import database
from regulars.batch.state_machine.buckets import name, split_table
from regulars.batch.state_machine.run import File, Run
from regulars.batch.state_machine.steps.stage import KEPT, PROBLEMS, fetch_raw
from regulars.batch.storage.source import fetch
from regulars.batch.storage.store import as_json, outputs
from regulars.data.paths import parquet
from regulars.data.schema import FEATURED
from regulars.ingest.faults import writing
from regulars.ingest.judging.repeats import fill_rows, number_files, write_problems
from regulars.ingest.reading.open_file import open_file
from regulars.ingest.reading.session import ingesting
from regulars.ingest.reading.sources import SourceFile
from regulars.models.loader import ModelLoader


def split_file(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Split one file's rows into the buckets' folders, unless it is finished."""
    run, file = Run.open(event["run"]), File.from_dict(event["item"])
    done = f"split/{file.path}.json"
    if run.work.find(done) is None:
        with database() as (folder, connection):
            result: dict[str, Any] = {"lines": 0, "outputs": {}}
            if run.is_raw:
                rows, result = _without_repeats(connection, run, file, folder, clock)
            else:
                rows = parquet([_fetch(run, file, folder, clock)])
            result["rows"] = _split(connection, run, file, rows, folder, clock)
            run.work.overwrite(done, as_json(result))
    return {"file": file.name}


def _fetch(run: Run, file: File, folder: Path, clock: Clock) -> Path:
    """Fetch a lake's file."""
    local = folder / "in.parquet"
    check_size(file.version.location, file.version.bytes, folder, SPLIT_ADVICE)
    with clock.stage("fetch"):
        fetch(run.work.s3, file.version, local, clock.check)
    return local


def _split(connection: duckdb.DuckDBPyConnection, run: Run, file: File, rows: str, folder: Path, clock: Clock) -> int:
    """Write a file's rows to their buckets; return their number. CountMismatchError when rows are missing."""
    with clock.stage("split", connection):
        [(expected,)] = connection.execute(f"select count(*) from {rows}").fetchall()
        if file.table not in FEATURED:
            return int(expected)
        files, written = split_table(connection, file.table, rows, folder / "out", run.buckets)
    if written != expected:
        raise CountMismatchError(f"counts do not add up: {file.name}: {expected:,} rows to split, {written:,} written")
    with clock.stage("write"):
        for bucket, local in files.items():
            run.work.overwrite(f"{name(int(bucket))}/{file.path}.parquet", local)
    return written


def _without_repeats(
    connection: duckdb.DuckDBPyConnection, run: Run, file: File, folder: Path, clock: Clock
) -> tuple[str, dict[str, Any]]:
    """Write a raw file's repeats to its rejects. Return a SQL relation of its other valid rows, and the result."""
    with clock.stage("fetch"):
        kept = run.fetch(f"staged/{file.path}.parquet", folder / KEPT, clock)
        repeats = run.fetch_folder(f"repeats/{file.path}/", folder / "repeats", clock)
    if not repeats:
        return parquet([kept]), {"lines": 0, "outputs": {}}
    count = rows_in(connection, *repeats)
    connection.execute(f"create temp table repeats as select * from {parquet(repeats)}")
    fields = dict(connection.execute("select field || ' ' || kind, count(*) from repeats group by 1").fetchall())
    local = fetch_raw(run, file, folder, clock)
    with (
        clock.stage("repeats", connection),
        writing(folder),
        ingesting(connection, run.mapping.timezone, folder) as session,
    ):
        opened = open_file(session, SourceFile(local, file.name), run.mapping, folder / "sources")
        number_files(session, {file.number: file.name})
        fill_rows(session, {file.number: opened})
        write_problems(session, "repeats", folder / PROBLEMS)
        written = write_rejected_rows(session, file.table, folder / PROBLEMS, folder / REJECTS)
    if written != count:
        raise CountMismatchError(f"counts do not add up: {file.name}: {count:,} repeats, {written:,} of them rejected")
    rejects = f"rejects/{file.table}-{file.number:06d}-repeats.parquet"
    run.parts.overwrite(rejects, folder / REJECTS)
    rows = f"(select * from {parquet([kept])} where pos not in (select pos from repeats))"
    return rows, {"lines": count, "repeated": fields, "outputs": outputs({rejects: folder / REJECTS})}
