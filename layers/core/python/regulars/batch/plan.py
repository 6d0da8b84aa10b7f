"""The state machine's first step: what is to be scored, in which files its clean rows lie, and into how many buckets.

work/<run>/plan.json                      what the run is of; files.json, buckets.json: the maps' items
work/<run>/lake/<table>/<table>.parquet   the clean rows of raw files; a lake's own files stay where they are
scores/<as_of>/<input-id>/<run>/rejects.parquet   the raw rows that were not kept
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from math import ceil
from pathlib import Path
from typing import Any

from regulars.batch.balance import Counts
from regulars.batch.buckets import SPLIT
from regulars.batch.clock import Clock
from regulars.batch.events import Named
from regulars.batch.limits import check_content, check_size
from regulars.batch.parcel import Parcel, gather_prefix, is_lake
from regulars.batch.room import room
from regulars.batch.score import fetch_files, fetch_map, identity, output_bucket
from regulars.batch.source import S3, Seen, client, must_look
from regulars.batch.store import Store, as_json
from regulars.batch.work import REJECTS, counted, ingest_tables, write_rejects
from regulars.errors import SourceError
from regulars.lake import MARKER, LakeInfo, read_info
from regulars.loader import ModelLoader
from regulars.settings import settings
from regulars.sql import connect

BUCKET_BYTES = 32_000_000
"""Parquet of a bucket, about 100,000 customers with 20 orders each."""

MOST_BUCKETS = 1000
PLAN, FILES, BUCKETS = "plan.json", "files.json", "buckets.json"

LakeFiles = tuple[list[dict[str, Any]], Counts, LakeInfo]
"""The files of clean rows, what became of the raw ones, and the lake's description."""


def asked(s3: S3, said: Mapping[str, Any]) -> Parcel:
    """Look at what a run was asked for: bucket, prefix, and where given as_of and csv."""
    named = Named(str(said["bucket"]), str(said["prefix"]))
    return gather_prefix(s3, named, said.get("as_of"), csv=bool(said.get("csv")))


def execution_name(parcel: Parcel, said: Mapping[str, Any]) -> str:
    """Name an execution by what it scores, so that asking twice starts it once."""
    content = json.dumps([parcel.said(), dict(said)], sort_keys=True)
    return f"{parcel.id[:50]}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def plan(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Look at the input, bring raw files into lake form, and list the files to split and the buckets to score."""
    s3, bucket = client("s3"), output_bucket()
    parcel = asked(s3, event["input"])
    wanted = identity(parcel, loader)
    result = Store(s3, bucket, parcel.prefix)
    if result.holds(wanted):
        return {"done": True, "result": str(result)}
    buckets = int(event["input"].get("buckets") or 0) or min(max(ceil(parcel.bytes / BUCKET_BYTES), 1), MOST_BUCKETS)
    run = hashlib.sha256(json.dumps([wanted, buckets], sort_keys=True).encode()).hexdigest()[:16]
    work = Store(s3, bucket, f"work/{run}")
    if work.look(PLAN) is None:
        with room() as folder:
            files, counts, info = _lake_files(
                parcel, work, Store(s3, bucket, f"{parcel.prefix}/{run}"), folder, loader, clock
            )
        work.put_anyhow(FILES, as_json(files))
        work.put_anyhow(BUCKETS, as_json([{"bucket": each} for each in range(buckets)]))
        content = {"input": event["input"], "wanted": wanted, "prefix": parcel.prefix, "buckets": buckets}
        said = {"counts": counts.said(), "info": info.model_dump(mode="json"), "rejects": not is_lake(parcel)}
        work.put_anyhow(PLAN, as_json({**content, **said}))
    return {"done": False, "run": run, "bucket": bucket, "files": work.key(FILES), "buckets": work.key(BUCKETS)}


def _lake_files(
    parcel: Parcel, work: Store, result: Store, folder: Path, loader: ModelLoader, clock: Clock
) -> LakeFiles:
    if is_lake(parcel):
        return _of_lake(parcel, work.s3)
    check_size(parcel.source.named, parcel.bytes, folder)
    with clock.stage("fetch"):
        tables = fetch_files(work.s3, parcel, folder, clock)
        mapping = fetch_map(work.s3, parcel, folder)
    with closing(connect(settings().memory_limit, settings().threads, folder / "spill")) as connection:
        check_content(connection, [file for files in tables.values() for file in files], clock.check)
        with clock.stage("ingest", connection):
            report = ingest_tables(connection, tables, folder / "lake", mapping, loader)
        connection.execute("create or replace temp table unscored (customer_id varchar, reason varchar)")
        write_rejects(connection, folder / "lake" / "rejects", folder / REJECTS)
    result.put_anyhow(REJECTS, folder / REJECTS)
    return _put_lake(work, folder / "lake"), counted(report, 0, {}), read_info(folder / "lake")


def _of_lake(parcel: Parcel, s3: S3) -> LakeFiles:
    named = parcel.source.named
    with closing(s3.get_object(Bucket=named.bucket, Key=f"{named.key}{MARKER}")["Body"]) as body:
        info = LakeInfo.model_validate_json(body.read())
    rows = sum(table.rows for each, table in info.tables.items() if each in SPLIT)
    items = [_item(number, table, seen) for number, (table, seen) in enumerate(parcel.files)]
    return items, Counts(rows, rows, 0, 0, 0, 0), info


def _put_lake(work: Store, lake: Path) -> list[dict[str, Any]]:
    """Upload a lake's tables and return them as items."""
    items: list[dict[str, Any]] = []
    for table in SPLIT:
        for file in sorted((lake / table).glob("*.parquet")):
            place = f"lake/{table}/{file.name}"
            work.put_anyhow(place, file)
            seen = must_look(work.s3, Named(work.bucket, work.key(place)))
            items.append(_item(len(items), table, seen))
    return items


def _item(number: int, table: str, seen: Seen) -> dict[str, Any]:
    return {"number": number, "table": table, **seen.said()}


def read_plan(work: Store) -> dict[str, Any]:
    """Read what a run is of; SourceError when nobody planned it."""
    said: dict[str, Any] | None = work.read_json(PLAN)
    if said is None:
        raise SourceError(f"no plan of run {work.prefix.rpartition('/')[2]}; start the machine again")
    return said
