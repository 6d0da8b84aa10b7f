"""The state machine's first step: find the input, and list its files and buckets."""

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
from regulars.ingest.reading.sources import SourceFile, assign
from regulars.models.loader import ModelLoader

BUCKET_BYTES = 32_000_000
"""Bytes of input per bucket: as Parquet, about 100,000 customers with 20 orders each."""


@dataclass(frozen=True)
class PlannedFiles:
    """An input's files by table; for raw files also the map, and the names of files that belong to no table."""

    files: list[File]
    info: LakeInfo
    map: Map | None = None
    unread: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the entries of plan.json."""
        mapping = self.map.model_dump(mode="json") if self.map else None
        info = self.info.model_dump(mode="json")
        return {"raw": self.map is not None, "map": mapping, "info": info, "unread": list(self.unread)}


def find_input(s3: S3, fields: Mapping[str, Any]) -> BatchInput:
    """Find the input of a run by its bucket and prefix, and optional as_of and csv."""
    location = S3Location(str(fields["bucket"]), str(fields["prefix"]))
    return gather_prefix(s3, location, fields.get("as_of"), csv=bool(fields.get("csv")))


def execution_name(batch_input: BatchInput, fields: Mapping[str, Any]) -> str:
    """Return an execution's name with a hash of its input: Step Functions starts each name once."""
    content = json.dumps([batch_input.to_dict(), dict(fields)], sort_keys=True)
    return f"{batch_input.id[:50]}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def plan(event: dict[str, Any], loader: ModelLoader, _: Clock) -> dict[str, Any]:
    """Find the input, check the size of each file, and write the plan and the lists of files and buckets."""
    s3 = client("s3")
    request = RunRequest.parse(event["input"])
    request.check(loader)
    batch_input = find_input(s3, event["input"])
    identity, prefix = request.identity(batch_input, loader), batch_input.below(request.make)
    buckets = int(event["input"].get("buckets") or 0) or min(
        max(ceil(batch_input.bytes / BUCKET_BYTES), 1), MOST_BUCKETS
    )
    run = hashlib.sha256(json.dumps([identity, buckets], sort_keys=True).encode()).hexdigest()[:16]
    work = work_of(run)
    result = Store(s3, work.bucket, prefix)
    if result.has_result(identity):
        return {"done": True, "result": str(result)}
    if work.find(PLAN) is None:
        planned = _plan_lake(batch_input, s3) if is_lake(batch_input) else _plan_raw(batch_input, s3, loader)
        work.overwrite(FILES, as_json([file.to_dict() for file in planned.files]))
        work.overwrite(BUCKETS, as_json([{"bucket": bucket} for bucket in range(buckets)]))
        content = {"input": event["input"], "wanted": identity, "prefix": prefix, "buckets": buckets}
        work.overwrite(PLAN, as_json({**content, **planned.to_dict()}))
    return Run.open(run).next_input()


def _plan_lake(batch_input: BatchInput, s3: S3) -> PlannedFiles:
    location = batch_input.source.location
    with closing(s3.get_object(Bucket=location.bucket, Key=f"{location.key}{MARKER}")["Body"]) as body:
        info = LakeInfo.model_validate_json(body.read())
    with workspace() as folder:
        for _, version in batch_input.files:
            check_size(version.location, version.bytes, folder, SPLIT_ADVICE)
    files = [
        File(number, table, version.location.name, version) for number, (table, version) in enumerate(batch_input.files)
    ]
    for table in FEATURED:  # rows of tables with files are checked by `collect`
        if not any(file.table == table for file in files):
            check_rows(table, 0, info, location)
    return PlannedFiles(files, info)


def _plan_raw(batch_input: BatchInput, s3: S3, loader: ModelLoader) -> PlannedFiles:
    with workspace() as folder:
        mapping = with_currency(fetch_map(s3, batch_input, folder), loader)
        for _, version in batch_input.files:
            check_size(version.location, version.bytes, folder, SPLIT_ADVICE)
    files, unread = _assign_files(batch_input, mapping)
    info = LakeInfo(currency=mapping.currency, minor_units=minor_units(mapping.currency), tables={})
    return PlannedFiles(files, info, mapping, tuple(unread))


def _assign_files(batch_input: BatchInput, mapping: Map) -> tuple[list[File], list[str]]:
    """Return the files numbered within their tables, as a single run assigns them, and the names of the others."""
    tables: dict[str, list[tuple[str, ObjectVersion]]] = {}
    unread: list[str] = []
    if all(table for table, _ in batch_input.files):
        for table, name, version in batch_input.named_files:
            tables.setdefault(table, []).append((name, version))
    else:
        root = os.path.commonpath([version.location.folder for _, version in batch_input.files])
        top = root.rpartition("/")[2]
        objects = {
            f"{top}/{version.location.key.removeprefix(f'{root}/')}": version for _, version in batch_input.files
        }
        assigned, unread = assign([SourceFile(Path(name), name) for name in sorted(objects)], mapping)
        tables = {table: [(file.name, objects[file.name]) for file in sources] for table, sources in assigned.items()}
    files = [
        File(number, table, name, version)
        for table, versions in tables.items()
        for number, (name, version) in enumerate(versions)
    ]
    return files, unread
