"""The state machine's step for one raw file: read it by the map, and check each row by itself."""

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
from regulars.ingest.judging.hints import LINES
from regulars.ingest.judging.repeats import keyed
from regulars.ingest.reading.session import ingesting
from regulars.ingest.reading.sources import SourceFile
from regulars.ingest.staging import REPEATABLE
from regulars.ingest.table_rows import TableRows
from regulars.models.loader import ModelLoader

KEPT, PROBLEMS = "kept.parquet", "problems.parquet"
FAULTS = "faults"
"""The folder of the errors of unreadable files, below the work folder."""


def stage_file(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Write one raw file's valid rows, its rejects, and its keys, unless it is finished.

    An unreadable file's error is saved, so that the next step can report the errors of all files at once.
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
            result, keys = _stage(connection, run, file, local, folder)
        with clock.stage("write"):
            _write(run, file, folder, result, keys)


def fetch_raw(run: Run, file: File, folder: Path, clock: Clock) -> Path:
    """Fetch a raw file; raises the errors of `check_size` and `fetch`."""
    check_size(file.version.location, file.version.bytes, folder, SPLIT_ADVICE)
    local = folder / "in" / local_name(file.version.location.name)
    with clock.stage("fetch"):
        fetch(run.work.s3, file.version, local, clock.check)
    return local


def _stage(
    connection: duckdb.DuckDBPyConnection, run: Run, file: File, local: Path, folder: Path
) -> tuple[dict[str, Any], dict[str, dict[str, Path]]]:
    """Return the file's result, and the files of its keys and of its rows' hashes by bucket."""
    table, staged = TABLES[file.table], folder / "staged"
    with ingesting(connection, run.mapping.timezone, folder) as session:
        rows = TableRows(session, table, run.mapping, staged, draft=True)
        rows.stage([SourceFile(local, file.name)], lambda _: None, file.number)
        rejects = rows.rejects(None, duplicates="keep")  # rows are compared over all files, by compare_keys
        [report] = rejects.judge(staged)
        rejects.write(folder / PROBLEMS)
        reject_rows = write_rejected_rows(session, file.table, folder / PROBLEMS, folder / REJECTS)
        columns = ", ".join(column.lake_name for column in table.columns)
        kept = f"select pos, {columns} from staged_{file.table}"
        session.execute(f"copy ({kept}) to {literal(str(folder / KEPT))} (format parquet)")
        query = _key_query(rows)
        bucket = BUCKET.format(key="key", buckets=run.buckets)
        keys = (
            write_by_bucket(session, f"select *, {bucket} from ({query})", folder / "keys", run.buckets)
            if query
            else {}
        )
        same = _row_query(rows)
        bucket = BUCKET.format(key="cast(row_hash as varchar)", buckets=run.buckets)
        whole = (
            write_by_bucket(session, f"select *, {bucket} from ({same})", folder / "same", run.buckets) if same else {}
        )
    result = {
        "report": report.model_dump(mode="json"),
        "example": rejects.example(),
        "lines": reject_rows,
        "warnings": [*rows.warnings, *rejects.warnings],
        "key": rows.key[0] if rows.key else None,
        "lines_of_orders": rows.grain == "line" and rows.has_order_id,
        "rows_compared": _row_query(rows) is not None,
        "summed": rows.is_summed,
    }
    return result, {"keys": keys, "rows": whole}


def _key_query(rows: TableRows) -> str | None:
    """Return the SELECT of keys to compare over all files: the table's key, or order and customer of order lines."""
    if rows.key:
        return keyed(rows.key, "staged_rows")
    if rows.grain == "line" and rows.has_order_id:
        return LINES
    return None


def _row_query(rows: TableRows) -> str | None:
    """Return the SELECT of hashes that tell rows which stand twice: of those without a key that would tell."""
    if rows.table.name not in REPEATABLE:
        return None
    amount = "order_value_cents" if rows.table.name == "orders" else "cast(null as bigint) as order_value_cents"
    free = f"{rows.key[0]} is null" if rows.key else "true"
    return f"select pos, row_hash, customer_id, {amount} from good_rows where {free}"


def _write(run: Run, file: File, folder: Path, result: dict[str, Any], keys: dict[str, dict[str, Path]]) -> None:
    """Write a staged file's rejects, keys and rows, and last its result, which marks it as finished."""
    written = {}
    if result["lines"]:
        rejects = f"rejects/{file.table}-{file.number:06d}.parquet"
        run.parts.overwrite(rejects, folder / REJECTS)
        written = outputs({rejects: folder / REJECTS})
    for kind, by_bucket in keys.items():
        for bucket, local in by_bucket.items():
            run.work.overwrite(f"{kind}/{file.table}/{name(int(bucket))}/{file.number:06d}.parquet", local)
    run.work.overwrite(f"staged/{file.path}.parquet", folder / KEPT)
    run.work.overwrite(f"staged/{file.path}.json", as_json({**result, "outputs": written}))
