"""The state machine's step for one raw file: read by the map, its rows judged as far as they can be by themselves."""

from pathlib import Path
from typing import Any

import duckdb

from regulars.batch.pipeline import REJECTS
from regulars.batch.rejects import write_rejected_rows
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import SPLIT_ADVICE, check_content, check_size
from regulars.batch.resources.workspace import database
from regulars.batch.score import local_name
from regulars.batch.state_machine.buckets import BUCKET, name, write_by_bucket
from regulars.batch.state_machine.run import File, Run
from regulars.batch.storage.source import fetch
from regulars.batch.storage.store import as_json, outputs
from regulars.data.schema import TABLES
from regulars.data.sql import literal
from regulars.errors import MapError, SourceError
from regulars.ingest.faults import writing
from regulars.ingest.rejects import keyed
from regulars.ingest.session import ingesting
from regulars.ingest.sources import SourceFile
from regulars.ingest.table_rows import TableRows
from regulars.models.loader import ModelLoader

KEPT, PROBLEMS = "kept.parquet", "problems.parquet"
FAULTS = "faults"
"""Where in the work it is noted what files are refused for."""


def stage_file(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Stage one raw file: its good rows, its rejects, and what must be unique; one that is finished is left.

    What a file is refused for is noted, and told of all files together by the next step.
    """
    run, file = Run.open(event["run"]), File.from_dict(event["item"])
    if run.work.find(f"staged/{file.path}.json") is None:
        try:
            _stage_file(run, file, clock)
        except (SourceError, MapError) as error:
            run.work.overwrite(f"{FAULTS}/{file.path}.json", as_json({"fault": str(error)}))
    return {"file": file.name}


def _stage_file(run: Run, file: File, clock: Clock) -> None:
    with database(file.name) as (folder, connection):
        local = fetch_raw(run, file, folder, clock)
        check_content(connection, [local], clock.check, SPLIT_ADVICE)
        with clock.stage("stage", connection), writing(folder):
            said, keys = _stage(connection, run, file, local, folder)
        with clock.stage("write"):
            _put(run, file, folder, said, keys)


def fetch_raw(run: Run, file: File, folder: Path, clock: Clock) -> Path:
    """Fetch a raw file; errors as `check_size` and `fetch`."""
    check_size(file.seen.location, file.seen.bytes, folder, SPLIT_ADVICE)
    local = folder / "in" / local_name(file.seen.location.name)
    with clock.stage("fetch"):
        fetch(run.work.s3, file.seen, local, clock.check)
    return local


def _stage(
    connection: duckdb.DuckDBPyConnection, run: Run, file: File, local: Path, folder: Path
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return what became of the file, and the files of its keys by bucket."""
    table, staged = TABLES[file.table], folder / "staged"
    with ingesting(connection, run.mapping.timezone, folder) as session:
        rows = TableRows(session, table, run.mapping, staged, draft=True)
        rows.stage([SourceFile(local, file.name)], lambda _: None, file.number)
        judged = rows.rejects(None)
        [report] = judged.judge(staged)
        judged.write(folder / PROBLEMS)
        lines = write_rejected_rows(session, file.table, folder / PROBLEMS, folder / REJECTS)
        columns = ", ".join(column.lake_name for column in table.columns)
        kept = f"select pos, {columns} from staged_{file.table}"
        session.execute(f"copy ({kept}) to {literal(str(folder / KEPT))} (format parquet)")
        query = _keys(rows)
        bucket = BUCKET.format(key="key", buckets=run.buckets)
        keys = (
            write_by_bucket(session, f"select *, {bucket} from ({query})", folder / "keys", run.buckets)
            if query
            else {}
        )
    said = {
        "report": report.model_dump(mode="json"),
        "example": judged.example(),
        "lines": lines,
        "warnings": rows.warnings,
        "key": rows.key[0] if rows.key else None,
        "lines_of_orders": rows.grain == "line" and rows.has_order_id,
        "summed": rows.is_summed,
    }
    return said, keys


def _keys(rows: TableRows) -> str | None:
    """Return the SELECT of what has to be compared over all files: keys, or whose orders a file has lines of."""
    if rows.key:
        return keyed(rows.key, "staged_rows")
    if rows.grain == "line" and rows.has_order_id:
        return "select distinct order_id as key, customer_id from staged_orders"
    return None


def _put(run: Run, file: File, folder: Path, said: dict[str, Any], keys: dict[str, Path]) -> None:
    """Write what was made of a file, and last of all that it was."""
    made = {}
    if said["lines"]:
        rejects = f"rejects/{file.table}-{file.number:06d}.parquet"
        run.parts.overwrite(rejects, folder / REJECTS)
        made = outputs({rejects: folder / REJECTS})
    for bucket, local in keys.items():
        run.work.overwrite(f"keys/{file.table}/{name(int(bucket))}/{file.number:06d}.parquet", local)
    run.work.overwrite(f"staged/{file.path}.parquet", folder / KEPT)
    run.work.overwrite(f"staged/{file.path}.json", as_json({**said, "outputs": made}))
