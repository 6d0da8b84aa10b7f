"""The state machine's steps by name, and the one that scores a bucket."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from regulars.batch.buckets import RESULT, SPLIT, Bucket, complete, name, score_bucket
from regulars.batch.clock import Clock
from regulars.batch.collect import collect
from regulars.batch.keys import compare_keys
from regulars.batch.machine import SETTLED, Run
from regulars.batch.pieces import split_file
from regulars.batch.plan import plan
from regulars.batch.room import database
from regulars.batch.settle import settle
from regulars.batch.stage import stage_file
from regulars.batch.store import Store, as_json, outputs
from regulars.batch.work import CSV, PART, REJECTS, rows_in, write_csv
from regulars.globs import parquet
from regulars.ingest.table_rows import write_kept
from regulars.loader import ModelLoader
from regulars.schema import TABLES
from regulars.sql import SqlFolder

Step = Callable[[dict[str, Any], ModelLoader, Clock], dict[str, Any]]


def score_part(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Score one bucket; one that is finished is left as it is."""
    run, number = Run.open(event["run"]), int(event["item"]["bucket"])
    result = Store(run.work.s3, run.work.bucket, run.parts.key(name(number)))
    if result.look(RESULT) is None:
        with database() as (folder, connection):
            bucket = fetch_bucket(connection, run, number, folder, loader.bundle.sql, clock)
            out = folder / "out"
            out.mkdir()
            part = score_bucket(connection, bucket, loader, run.as_of, out, clock)
            names = [PART, REJECTS] if part.scored else [REJECTS]
            if part.scored and run.said["wanted"]["csv"]:
                write_csv(connection, out)
                names.append(CSV)
            with clock.stage("write"):
                for each in names:
                    result.put_anyhow(each, out / each)
                made = {f"{name(number)}/{each}": value for each, value in _outputs(out, names).items()}
                result.put_anyhow(RESULT, as_json({**part.said(), "outputs": made}))
    return {"bucket": number}


def _outputs(out: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    return outputs({each: out / each for each in names})


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
    for table in SPLIT:
        files = [piece for piece in pieces if piece.parent.name == table]
        if files:
            whole = f"select *, struct_pack(none := cast(null as varchar)) as attributes from {parquet(files)}"
            connection.execute(f"create or replace temp view staged_{table} as {whole}")
            write_kept(connection, TABLES[table], [], lake / table, sql, summed=summed)


STEPS: dict[str, Step] = {
    "plan": plan,
    "stage": stage_file,
    "settle": settle,
    "keys": compare_keys,
    "split": split_file,
    "score": score_part,
    "collect": collect,
}
