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

from regulars.batch.batch_input import Parcel, gather_prefix, is_lake
from regulars.batch.events import Named
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import SPLIT_IT, check_size
from regulars.batch.resources.workspace import room
from regulars.batch.score import fetch_map
from regulars.batch.state_machine.buckets import MOST_BUCKETS
from regulars.batch.state_machine.run import BUCKETS, FILES, PLAN, File, Run, work_of
from regulars.batch.state_machine.wanted import Wanted
from regulars.batch.storage.source import S3, Seen, client
from regulars.batch.storage.store import Store, as_json
from regulars.batch.work import in_money
from regulars.data.lake import MARKER, LakeInfo, check_rows
from regulars.data.schema import FEATURED, minor_units
from regulars.ingest.mapping import Mapping as Map
from regulars.ingest.sources import SourceFile, assign
from regulars.models.loader import ModelLoader

BUCKET_BYTES = 32_000_000
"""Parquet of a bucket, about 100,000 customers with 20 orders each."""


@dataclass(frozen=True)
class Laid:
    """An input's files by table; of raw ones the map, and the names of those that belong to no table."""

    files: list[File]
    info: LakeInfo
    map: Map | None = None
    unread: tuple[str, ...] = ()

    def said(self) -> dict[str, Any]:
        """Return what the plan says of it."""
        mapping = self.map.model_dump(mode="json") if self.map else None
        info = self.info.model_dump(mode="json")
        return {"raw": self.map is not None, "map": mapping, "info": info, "unread": list(self.unread)}


def asked(s3: S3, said: Mapping[str, Any]) -> Parcel:
    """Look at what a run was asked for: bucket, prefix, and where given as_of and csv."""
    named = Named(str(said["bucket"]), str(said["prefix"]))
    return gather_prefix(s3, named, said.get("as_of"), csv=bool(said.get("csv")))


def execution_name(parcel: Parcel, said: Mapping[str, Any]) -> str:
    """Name an execution by what it scores, so that asking twice starts it once."""
    content = json.dumps([parcel.said(), dict(said)], sort_keys=True)
    return f"{parcel.id[:50]}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def plan(event: dict[str, Any], loader: ModelLoader, _: Clock) -> dict[str, Any]:
    """Look at the input, and list its files, each within what one function takes, and the buckets to score."""
    s3 = client("s3")
    asked_for = Wanted.of(event["input"])
    asked_for.check(loader)
    parcel = asked(s3, event["input"])
    wanted, prefix = asked_for.identity(parcel, loader), parcel.below(asked_for.make)
    buckets = int(event["input"].get("buckets") or 0) or min(max(ceil(parcel.bytes / BUCKET_BYTES), 1), MOST_BUCKETS)
    run = hashlib.sha256(json.dumps([wanted, buckets], sort_keys=True).encode()).hexdigest()[:16]
    work = work_of(run)
    result = Store(s3, work.bucket, prefix)
    if result.holds(wanted):
        return {"done": True, "result": str(result)}
    if work.look(PLAN) is None:
        laid = _of_lake(parcel, s3) if is_lake(parcel) else _of_raw(parcel, s3, loader)
        work.put_anyhow(FILES, as_json([each.said() for each in laid.files]))
        work.put_anyhow(BUCKETS, as_json([{"bucket": each} for each in range(buckets)]))
        content = {"input": event["input"], "wanted": wanted, "prefix": prefix, "buckets": buckets}
        work.put_anyhow(PLAN, as_json({**content, **laid.said()}))
    return Run.open(run).items()


def _of_lake(parcel: Parcel, s3: S3) -> Laid:
    named = parcel.source.named
    with closing(s3.get_object(Bucket=named.bucket, Key=f"{named.key}{MARKER}")["Body"]) as body:
        info = LakeInfo.model_validate_json(body.read())
    with room() as folder:
        for _, seen in parcel.files:
            check_size(seen.named, seen.bytes, folder, SPLIT_IT)
    files = [File(number, table, seen.named.name, seen) for number, (table, seen) in enumerate(parcel.files)]
    for table in FEATURED:  # how many rows the others hold is known when they have been read
        if not any(file.table == table for file in files):
            check_rows(table, 0, info, named)
    return Laid(files, info)


def _of_raw(parcel: Parcel, s3: S3, loader: ModelLoader) -> Laid:
    with room() as folder:
        mapping = in_money(fetch_map(s3, parcel, folder), loader)
        for _, seen in parcel.files:
            check_size(seen.named, seen.bytes, folder, SPLIT_IT)
    files, unread = _assigned(parcel, mapping)
    info = LakeInfo(currency=mapping.currency, minor_units=minor_units(mapping.currency), tables={})
    return Laid(files, info, mapping, tuple(unread))


def _assigned(parcel: Parcel, mapping: Map) -> tuple[list[File], list[str]]:
    """Give each table its files, as one run over all does; return also the names of those that belong to none."""
    tables: dict[str, list[tuple[str, Seen]]] = {}
    unread: list[str] = []
    if all(table for table, _ in parcel.files):
        for table, name, seen in parcel.named:
            tables.setdefault(table, []).append((name, seen))
    else:
        root = os.path.commonpath([seen.named.folder for _, seen in parcel.files])
        top = root.rpartition("/")[2]
        objects = {f"{top}/{seen.named.key.removeprefix(f'{root}/')}": seen for _, seen in parcel.files}
        chosen, unread = assign([SourceFile(Path(name), name) for name in sorted(objects)], mapping)
        tables = {table: [(one.name, objects[one.name]) for one in some] for table, some in chosen.items()}
    files = [
        File(number, table, name, seen) for table, some in tables.items() for number, (name, seen) in enumerate(some)
    ]
    return files, unread
