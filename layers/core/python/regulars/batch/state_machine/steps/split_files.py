"""The state machine's step that splits one file's rows by customer; of a raw file, those that stay."""

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
from regulars.ingest.readers import open_file
from regulars.ingest.rejects import fill_rows, number_files, write_problems
from regulars.ingest.session import ingesting
from regulars.ingest.sources import SourceFile
from regulars.models.loader import ModelLoader


def split_file(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Split one file by customer into the buckets' folders; one that is finished is left."""
    run, file = Run.open(event["run"]), File.from_dict(event["item"])
    done = f"split/{file.path}.json"
    if run.work.find(done) is None:
        with database() as (folder, connection):
            said: dict[str, Any] = {"lines": 0, "outputs": {}}
            if run.is_raw:
                rows, said = _kept(connection, run, file, folder, clock)
            else:
                rows = parquet([_fetched(run, file, folder, clock)])
            said["rows"] = _split(connection, run, file, rows, folder, clock)
            run.work.overwrite(done, as_json(said))
    return {"file": file.name}


def _fetched(run: Run, file: File, folder: Path, clock: Clock) -> Path:
    """Fetch a lake's file."""
    local = folder / "in.parquet"
    check_size(file.seen.location, file.seen.bytes, folder, SPLIT_ADVICE)
    with clock.stage("fetch"):
        fetch(run.work.s3, file.seen, local, clock.check)
    return local


def _split(connection: duckdb.DuckDBPyConnection, run: Run, file: File, rows: str, folder: Path, clock: Clock) -> int:
    """Write a file's rows to their buckets, and return their number; CountMismatchError when some are missing."""
    with clock.stage("split", connection):
        [(meant,)] = connection.execute(f"select count(*) from {rows}").fetchall()
        if file.table not in FEATURED:
            return int(meant)
        pieces, written = split_table(connection, file.table, rows, folder / "out", run.buckets)
    if written != meant:
        raise CountMismatchError(f"counts do not add up: {file.name}: {meant:,} rows to split, {written:,} written")
    with clock.stage("write"):
        for bucket, piece in pieces.items():
            run.work.overwrite(f"{name(int(bucket))}/{file.path}.parquet", piece)
    return written


def _kept(
    connection: duckdb.DuckDBPyConnection, run: Run, file: File, folder: Path, clock: Clock
) -> tuple[str, dict[str, Any]]:
    """Return a raw file's good rows but its repeats, in SQL, and what became of the repeats."""
    with clock.stage("fetch"):
        kept = run.fetch(f"staged/{file.path}.parquet", folder / KEPT, clock)
        repeats = run.fetch_folder(f"repeats/{file.path}/", folder / "repeats", clock)
    if not repeats:
        return parquet([kept]), {"lines": 0, "outputs": {}}
    lines = rows_in(connection, *repeats)
    connection.execute(f"create temp table repeats as select * from {parquet(repeats)}")
    local = fetch_raw(run, file, folder, clock)
    with (
        clock.stage("repeats", connection),
        writing(folder),
        ingesting(connection, run.mapping.timezone, folder) as session,
    ):
        opened = open_file(session, SourceFile(local, file.name), run.mapping.encoding)
        number_files(session, {file.number: file.name})
        fill_rows(session, {file.number: opened})
        write_problems(session, "repeats", folder / PROBLEMS)
        written = write_rejected_rows(session, file.table, folder / PROBLEMS, folder / REJECTS)
    if written != lines:
        raise CountMismatchError(f"counts do not add up: {file.name}: {lines:,} repeats, {written:,} of them rejected")
    place = f"rejects/{file.table}-{file.number:06d}-repeats.parquet"
    run.parts.overwrite(place, folder / REJECTS)
    rows = f"(select * from {parquet([kept])} where pos not in (select pos from repeats))"
    return rows, {"lines": lines, "outputs": outputs({place: folder / REJECTS})}
