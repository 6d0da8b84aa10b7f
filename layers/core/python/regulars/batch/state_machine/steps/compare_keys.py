"""The state machine's step for one bucket of keys: find rows that repeat the key of an earlier row, in any file."""

from pathlib import Path
from typing import Any

import duckdb

from regulars.batch.resources.clock import Clock
from regulars.batch.resources.workspace import database
from regulars.batch.state_machine.buckets import name, write_by_bucket
from regulars.batch.state_machine.run import Run
from regulars.batch.storage.store import as_json
from regulars.data.paths import parquet
from regulars.ingest.judging.rejects import find_repeats, number_files
from regulars.ingest.run import SHARED
from regulars.ingest.staging import POSITION
from regulars.models.loader import ModelLoader


def compare_keys(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Find the repeats in one bucket of keys, by file, so that each file can reject its own.

    Order lines have no repeats; for them, count the orders with several customers.
    """
    run, item = Run.open(event["run"]), event["item"]
    table, bucket = item["table"], name(item["bucket"])
    done = compared_key(table, item["bucket"])
    if run.work.find(done) is None:
        with database() as (folder, connection):
            with clock.stage("fetch"):
                files = run.fetch_folder(f"keys/{table}/{bucket}/", folder / "keys", clock)
            with clock.stage("compare", connection):
                counts, repeats = _compare(connection, run, item, files, folder)
            with clock.stage("write"):
                for number, file in repeats.items():
                    run.work.overwrite(f"repeats/{table}/{int(number):06d}/{bucket}.parquet", file)
                run.work.overwrite(done, as_json(counts))
    return {"table": table, "bucket": item["bucket"]}


def compared_key(table: str, bucket: int) -> str:
    """Return the name of the file that marks a bucket of keys as compared."""
    return f"compared/{table}/{name(bucket)}.json"


def _compare(
    connection: duckdb.DuckDBPyConnection, run: Run, item: dict[str, Any], files: list[Path], folder: Path
) -> tuple[dict[str, int], dict[str, Path]]:
    """Return the counts, and the files of repeats by the number of the input file."""
    if not files:
        return {"repeats": 0, "shared": 0}, {}
    keys = parquet(files)
    if item["key"] is None:
        lines = f"(select key as order_id, customer_id from {keys})"
        [(shared,)] = connection.execute(SHARED.format(orders=lines)).fetchall()
        return {"repeats": 0, "shared": shared}, {}
    names = {file.number: file.name for file in run.files if file.table == item["table"]}
    number_files(connection, names)
    find_repeats(connection, item["key"], keys)
    [(repeats,)] = connection.execute("select count(*) from repeats").fetchall()
    query = f"select *, pos // {POSITION} as bucket from repeats"
    return {"repeats": repeats, "shared": 0}, write_by_bucket(
        connection, query, folder / "out", len(names)
    ) if repeats else {}
