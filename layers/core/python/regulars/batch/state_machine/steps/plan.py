"""The state machine's first step: what is to be scored, in which files, and into how many buckets."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from regulars.batch.batch_input import BatchInput, gather_prefix, is_lake
from regulars.batch.events import S3Location
from regulars.batch.pipeline import with_currency
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import SPLIT_ADVICE, check_size
from regulars.batch.resources.workspace import workspace
from regulars.batch.score import fetch_map
from regulars.batch.state_machine.buckets import MOST_BUCKETS
from regulars.batch.state_machine.request import RunRequest
from regulars.batch.state_machine.run import BUCKETS, FILES, PLAN, File, Run, work_of
from regulars.batch.storage.source import S3, ObjectVersion, client
from regulars.batch.storage.store import Store, as_json
from regulars.data.lake import MARKER, LakeInfo, check_rows
from regulars.data.schema import FEATURED, minor_units
from regulars.ingest.mapping import Mapping as Map
from regulars.ingest.sources import SourceFile, assign
from regulars.models.loader import ModelLoader

BUCKET_BYTES = 32_000_000
"""Parquet of a bucket, about 100,000 customers with 20 orders each."""


@dataclass(frozen=True)
class PlannedFiles:
    """An input's files by table; of raw ones the map, and the names of those that belong to no table."""

    files: list[File]
    info: LakeInfo
    map: Map | None = None
    unread: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what the plan says of it."""
        mapping = self.map.model_dump(mode="json") if self.map else None
        info = self.info.model_dump(mode="json")
        return {"raw": self.map is not None, "map": mapping, "info": info, "unread": list(self.unread)}


def find_input(s3: S3, said: Mapping[str, Any]) -> BatchInput:
    """Look at what a run was asked for: bucket, prefix, and where given as_of and csv."""
    location = S3Location(str(said["bucket"]), str(said["prefix"]))
    return gather_prefix(s3, location, said.get("as_of"), csv=bool(said.get("csv")))


def execution_name(batch_input: BatchInput, said: Mapping[str, Any]) -> str:
    """Name an execution by what it scores, so that aws_errors twice starts it once."""
    content = json.dumps([batch_input.to_dict(), dict(said)], sort_keys=True)
    return f"{batch_input.id[:50]}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def plan(event: dict[str, Any], loader: ModelLoader, _: Clock) -> dict[str, Any]:
    """Look at the input, and list its files, each within what one function takes, and the buckets to score."""
    s3 = client("s3")
    request = RunRequest.parse(event["input"])
    request.check(loader)
    batch_input = find_input(s3, event["input"])
    wanted, prefix = request.identity(batch_input, loader), batch_input.below(request.make)
    buckets = int(event["input"].get("buckets") or 0) or min(
        max(ceil(batch_input.bytes / BUCKET_BYTES), 1), MOST_BUCKETS
    )
    run = hashlib.sha256(json.dumps([wanted, buckets], sort_keys=True).encode()).hexdigest()[:16]
    work = work_of(run)
    result = Store(s3, work.bucket, prefix)
    if result.has_result(wanted):
        return {"done": True, "result": str(result)}
    if work.find(PLAN) is None:
        planned = _of_lake(batch_input, s3) if is_lake(batch_input) else _of_raw(batch_input, s3, loader)
        work.overwrite(FILES, as_json([each.to_dict() for each in planned.files]))
        work.overwrite(BUCKETS, as_json([{"bucket": each} for each in range(buckets)]))
        content = {"input": event["input"], "wanted": wanted, "prefix": prefix, "buckets": buckets}
        work.overwrite(PLAN, as_json({**content, **planned.to_dict()}))
    return Run.open(run).next_input()


def _of_lake(batch_input: BatchInput, s3: S3) -> PlannedFiles:
    location = batch_input.source.location
    with closing(s3.get_object(Bucket=location.bucket, Key=f"{location.key}{MARKER}")["Body"]) as body:
        info = LakeInfo.model_validate_json(body.read())
    with workspace() as folder:
        for _, seen in batch_input.files:
            check_size(seen.location, seen.bytes, folder, SPLIT_ADVICE)
    files = [File(number, table, seen.location.name, seen) for number, (table, seen) in enumerate(batch_input.files)]
    for table in FEATURED:  # how many rows the others hold is known when they have been read
        if not any(file.table == table for file in files):
            check_rows(table, 0, info, location)
    return PlannedFiles(files, info)


def _of_raw(batch_input: BatchInput, s3: S3, loader: ModelLoader) -> PlannedFiles:
    with workspace() as folder:
        mapping = with_currency(fetch_map(s3, batch_input, folder), loader)
        for _, seen in batch_input.files:
            check_size(seen.location, seen.bytes, folder, SPLIT_ADVICE)
    files, unread = _assigned(batch_input, mapping)
    info = LakeInfo(currency=mapping.currency, minor_units=minor_units(mapping.currency), tables={})
    return PlannedFiles(files, info, mapping, tuple(unread))


def _assigned(batch_input: BatchInput, mapping: Map) -> tuple[list[File], list[str]]:
    """Give each table its files, as one run over all does; return also the names of those that belong to none."""
    tables: dict[str, list[tuple[str, ObjectVersion]]] = {}
    unread: list[str] = []
    if all(table for table, _ in batch_input.files):
        for table, name, seen in batch_input.named_files:
            tables.setdefault(table, []).append((name, seen))
    else:
        root = os.path.commonpath([seen.location.folder for _, seen in batch_input.files])
        top = root.rpartition("/")[2]
        objects = {f"{top}/{seen.location.key.removeprefix(f'{root}/')}": seen for _, seen in batch_input.files}
        chosen, unread = assign([SourceFile(Path(name), name) for name in sorted(objects)], mapping)
        tables = {table: [(one.name, objects[one.name]) for one in some] for table, some in chosen.items()}
    files = [
        File(number, table, name, seen) for table, some in tables.items() for number, (name, seen) in enumerate(some)
    ]
    return files, unread
