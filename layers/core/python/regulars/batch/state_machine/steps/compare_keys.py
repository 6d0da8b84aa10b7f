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
from regulars.ingest.judging import duplicates
from regulars.ingest.judging.hints import EqualLines, count_alike
from regulars.ingest.judging.repeats import NO_REPEATS, find_repeats, number_files
from regulars.ingest.run import SHARED
from regulars.ingest.staging import POSITION
from regulars.models.loader import ModelLoader


def compare_keys(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Find the repeats in one bucket of keys, by file, so that each file can reject its own.

    Order lines have no repeats; for them, count the orders with several customers. Rows without a key are compared
    word for word.
    """
    run, item = Run.open(event["run"]), event["item"]
    table, bucket = item["table"], name(item["bucket"])
    done = compared_key(table, item["bucket"])
    if run.work.find(done) is None:
        with database() as (folder, connection):
            with clock.stage("fetch"):
                files = run.fetch_folder(f"keys/{table}/{bucket}/", folder / "keys", clock)
                whole = run.fetch_folder(f"rows/{table}/{bucket}/", folder / "whole", clock) if item["rows"] else []
            with clock.stage("compare", connection):
                counts, repeats = _compare(connection, run, item, files, folder)
                same, dropped = _compare_rows(connection, run, item, whole, folder)
            with clock.stage("write"):
                for number, file in repeats.items():
                    run.work.overwrite(f"repeats/{table}/{int(number):06d}/{bucket}.parquet", file)
                for number, file in dropped.items():
                    run.work.overwrite(f"repeats/{table}/{int(number):06d}/{bucket}-rows.parquet", file)
                run.work.overwrite(done, as_json(counts | same))
    return {"table": table, "bucket": item["bucket"]}


def compared_key(table: str, bucket: int) -> str:
    """Return the name of the file that marks a bucket of keys as compared."""
    return f"compared/{table}/{name(bucket)}.json"


def _compare(
    connection: duckdb.DuckDBPyConnection, run: Run, item: dict[str, Any], files: list[Path], folder: Path
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the counts, and the files of repeats by the number of the input file."""
    counts: dict[str, Any] = {"repeats": 0, "shared": 0, "alike": 0, "lines": EqualLines()}
    if not files:
        return counts, {}
    keys = parquet(files)
    if item["key"] is None:
        lines = f"(select key as order_id, customer_id from {keys})"
        [(shared,)] = connection.execute(SHARED.format(orders=lines)).fetchall()
        return counts | {"shared": shared, "lines": EqualLines.read(connection, keys)}, {}
    names = _name_files(connection, run, item)
    find_repeats(connection, item["key"], keys)
    [(repeats,)] = connection.execute("select count(*) from repeats").fetchall()
    alike = count_alike(connection, keys)[1] if repeats else 0
    return counts | {"repeats": repeats, "alike": alike}, _by_file(connection, folder / "out", names)


def _compare_rows(
    connection: duckdb.DuckDBPyConnection, run: Run, item: dict[str, Any], files: list[Path], folder: Path
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return how many rows stand twice, word for word, what they count and where; and those to drop, by file."""
    policy = run.mapping.duplicates
    nothing: dict[str, Any] = {"same": 0, "same_money": 0, "same_places": [], "dropped": 0}
    if not files or policy == "keep":
        return nothing, {}
    connection.execute(f"create temp view good_rows as select * from {parquet(files)}")
    number = duplicates.find(connection)
    names = _name_files(connection, run, item)
    places = duplicates.places(connection)
    if number and policy == "refuse":
        raise duplicates.refuse(number, ", ".join(place for _, place in places))
    if number and policy == "drop":
        connection.execute(NO_REPEATS)
        duplicates.drop(connection)
        return nothing | {"dropped": number}, _by_file(connection, folder / "rows", names)
    return nothing | {"same": number, "same_money": duplicates.money(connection), "same_places": places}, {}


def _name_files(connection: duckdb.DuckDBPyConnection, run: Run, item: dict[str, Any]) -> dict[int, str]:
    names = {file.number: file.name for file in run.files if file.table == item["table"]}
    number_files(connection, names)
    return names


def _by_file(connection: duckdb.DuckDBPyConnection, folder: Path, names: dict[int, str]) -> dict[str, Path]:
    if not connection.execute("select 1 from repeats limit 1").fetchall():
        return {}
    query = f"select *, pos // {POSITION} as bucket from repeats"
    return write_by_bucket(connection, query, folder, len(names))
