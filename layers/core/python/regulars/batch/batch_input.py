"""All that an input consists of: one orders file, or the files that a manifest names, with the map beside them.

A manifest's keys are relative to its own folder, or begin with a slash; all lie in its bucket. Files whose name or
folder begins with _ are not scored by themselves when they arrive.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from regulars.batch.events import MANIFEST, MAP, S3Location
from regulars.batch.manifest import LARGEST_MANIFEST, Manifest, called, check_keys, listed, read_manifest
from regulars.batch.storage.source import S3, ChangedError, ObjectVersion, error_code, find_object, require_object
from regulars.data.lake import MARKER
from regulars.data.schema import TABLES
from regulars.errors import SourceError
from regulars.ingest.sources import CSV, PARQUET
from regulars.instants import parse_as_of

AS_OF = re.compile(r"(?:^|/)as_of=([^/]+)/")


@dataclass(frozen=True)
class BatchInput:
    """An input as it was when looked at; two that are equal have the same bytes to score."""

    source: ObjectVersion
    files: tuple[tuple[str, ObjectVersion], ...]
    """Each file with its table, in a fixed order."""
    map: ObjectVersion | None
    as_of: datetime
    csv: bool = False

    @property
    def id(self) -> str:
        """Name the input by its file's or folder's name and a hash of where it lies: the same for all its versions."""
        location = self.source.location
        last = location.name or location.folder.rpartition("/")[2]
        start = re.sub(r"[^A-Za-z0-9_-]+", "-", last.partition(".")[0])[:60]
        return f"{start}-{hashlib.sha256(f'{location.bucket}/{location.key}'.encode()).hexdigest()[:12]}"

    @property
    def prefix(self) -> str:
        """Return the folder that its scores go to."""
        return self.below("scores")

    def below(self, kind: str) -> str:
        """Return the folder that results of a kind go to."""
        return f"{kind}/{self.as_of:%Y-%m-%d}/{self.id}"

    @property
    def bytes(self) -> int:
        """Return the size of all files together."""
        return sum(seen.bytes for _, seen in self.files)

    @property
    def named_files(self) -> list[tuple[str, str, ObjectVersion]]:
        """Each file with its table and what reports and rejects call it."""
        names = called([seen.location.key for _, seen in self.files])
        return [(table, name, seen) for name, (table, seen) in zip(names, self.files, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Return what the result's manifest says of it, and by which one version is told from another."""
        files = [{"table": table, **seen.to_dict()} for table, seen in self.files]
        return {**self.source.to_dict(), "files": files, "map": self.map.to_dict() if self.map else None}


def gather(s3: S3, location: S3Location, as_of: str | None = None) -> BatchInput:
    """Look at everything that the object `named` stands for; SourceError when something is missing or not said.

    `as_of` goes before what the input says.
    """
    source = require_object(s3, location)
    said = _manifest(s3, source) if location.is_manifest else _alone(location)
    keys = [(table, key) for table in TABLES for key in listed(getattr(said, table, []))]
    check_keys(location, [_beside(location, key).key for _, key in keys])
    files = [(table, require_object(s3, _beside(location, key))) for table, key in keys] or [("orders", source)]
    mapping = require_object(s3, _beside(location, said.map)) if said.map else find_object(s3, _beside(location, MAP))
    csv = said.csv or source.metadata.get("csv", "").lower() == "true"
    return BatchInput(source, tuple(files), mapping, _as_of(source, as_of or said.as_of), csv)


def _alone(location: S3Location) -> Manifest:
    """Take a file for the orders; SourceError when its name says that it is something else."""
    table = next((table for table in TABLES if location.name.lower().startswith(table)), "orders")
    if table != "orders":
        raise SourceError(
            f"{location} has the name of {table}, which cannot be scored without orders; put the files into a folder "
            f"whose name begins with _ and a *{MANIFEST} beside it that names them"
        )
    if not location.name.lower().endswith(CSV + PARQUET):
        raise SourceError(f"{location} is of an unsupported type; bring {', '.join(CSV + PARQUET)} or a *{MANIFEST}")
    return Manifest(orders=[])


def _manifest(s3: S3, source: ObjectVersion) -> Manifest:
    if source.bytes > LARGEST_MANIFEST:
        raise SourceError(f"{source.location} is {source.bytes} bytes; a manifest has at most {LARGEST_MANIFEST}")
    try:
        answer = s3.get_object(Bucket=source.location.bucket, Key=source.location.key, IfMatch=source.etag)
    except s3.exceptions.ClientError as error:
        raise ChangedError(f"{source.location} was replaced while it was read ({error_code(error)})") from error
    return read_manifest(source.location, answer["Body"].read())


def _beside(location: S3Location, key: str) -> S3Location:
    """Return the object that `key` names as seen from `named`'s folder; SourceError when it leads out of the bucket."""
    path = key.removeprefix("/") if key.startswith("/") else posixpath.join(location.folder, key)
    if "://" in key or ".." in path.split("/") or not path.rpartition("/")[2]:
        raise SourceError(f"{location} names {key[:80]!r}; write a key of the same bucket, from its folder or with a /")
    return S3Location(location.bucket, posixpath.normpath(path))


def _as_of(source: ObjectVersion, said: str | None) -> datetime:
    """Read the moment to score at from the manifest, the key or the object's metadata; never from the clock."""
    found = AS_OF.search(source.location.key)
    text = said or (found[1] if found else source.metadata.get("as-of"))
    if text is None:
        raise SourceError(
            f"{source.location} does not say its as_of; put it under incoming/as_of=2026-06-30/, "
            "or give the object the metadata as-of"
        )
    return parse_as_of(text)


def gather_prefix(s3: S3, location: S3Location, as_of: str | None, *, csv: bool = False) -> BatchInput:
    """Look at everything below a prefix: a lake's Parquet files by table, or files whose names will say what they are.

    One object is taken as `gather` takes it. SourceError when there is nothing to score or no `as_of` is said.
    """
    if not location.key.endswith("/") and find_object(s3, location):
        batch_input = gather(s3, location, as_of)
        return replace(batch_input, csv=csv or batch_input.csv)
    folder = S3Location(location.bucket, f"{location.key.rstrip('/')}/")
    found = list(_below(s3, folder))
    lake = any(each.location.key == f"{folder.key}{MARKER}" for each in found)
    wanted = [each for each in found if _wanted(each.location, folder, lake)]
    files = [(table, each) for each in wanted if (table := _table(each.location, folder) if lake else "") is not None]
    if not files:
        raise SourceError(f"{folder} holds no {', '.join(CSV + PARQUET)}; put files there")
    listing = json.dumps([(table, each.location.key, each.etag) for table, each in files])
    tag = hashlib.sha256(listing.encode()).hexdigest()[:32]
    source = ObjectVersion(folder, tag, None, sum(each.bytes for _, each in files))
    mapping = next((each for each in found if each.location.key == f"{folder.key}{MAP}"), None)
    return BatchInput(source, tuple(files), mapping, _as_of(source, as_of), csv)


def is_lake(batch_input: BatchInput) -> bool:
    """Say whether a prefix is a lake: its files come with their tables, clean already."""
    return batch_input.source.location.key.endswith("/") and all(table for table, _ in batch_input.files)


def _below(s3: S3, folder: S3Location) -> Iterator[ObjectVersion]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key):
        for each in page.get("Contents", []):
            yield ObjectVersion(S3Location(folder.bucket, each["Key"]), each["ETag"].strip('"'), None, each["Size"])


def _wanted(location: S3Location, folder: S3Location, lake: bool) -> bool:  # noqa: FBT001 - said by name above
    inner = location.key.removeprefix(folder.key)
    hidden = any(part.startswith(("_", ".")) for part in inner.split("/"))
    return not hidden and inner.lower().endswith(PARQUET if lake else CSV + PARQUET)


def _table(location: S3Location, folder: S3Location) -> str | None:
    """Return the table that a lake's file belongs to; None of what scores are not made of."""
    table = location.key.removeprefix(folder.key).partition("/")[0]
    return table if table in ("orders", "customers", "events") else None
