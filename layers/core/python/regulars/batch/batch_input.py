"""A batch input: one file of orders, or the files that a manifest names, with the map beside them.

A manifest's keys are relative to its own folder, or begin with a slash. All are in the manifest's bucket. A file whose
name or folder begins with _ is not scored on arrival.
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
from regulars.batch.manifest import LARGEST_MANIFEST, Manifest, as_list, check_keys, display_names, read_manifest
from regulars.batch.storage.source import S3, ChangedError, ObjectVersion, error_code, find_object, require_object
from regulars.data.lake import MARKER
from regulars.data.schema import TABLES
from regulars.errors import SourceError
from regulars.ingest.reading.sources import CSV, PARQUET
from regulars.instants import parse_as_of

AS_OF = re.compile(r"(?:^|/)as_of=([^/]+)/")


@dataclass(frozen=True)
class BatchInput:
    """An input with the version of each of its files. Two equal inputs have the same bytes."""

    source: ObjectVersion
    files: tuple[tuple[str, ObjectVersion], ...]
    """(table, object) of each file, in a fixed order."""
    map: ObjectVersion | None
    as_of: datetime
    csv: bool = False

    @property
    def id(self) -> str:
        """Name the input by its file or folder and a hash of its bucket and key; all versions have the same id."""
        location = self.source.location
        last = location.name or location.folder.rpartition("/")[2]
        start = re.sub(r"[^A-Za-z0-9_-]+", "-", last.partition(".")[0])[:60]
        return f"{start}-{hashlib.sha256(f'{location.bucket}/{location.key}'.encode()).hexdigest()[:12]}"

    @property
    def prefix(self) -> str:
        """The folder of its scores."""
        return self.below("scores")

    def below(self, kind: str) -> str:
        """Return the folder of one kind of results: scores or features."""
        return f"{kind}/{self.as_of:%Y-%m-%d}/{self.id}"

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.bytes for _, file in self.files)

    @property
    def named_files(self) -> list[tuple[str, str, ObjectVersion]]:
        """(table, name in reports and rejects, object) of each file."""
        names = display_names([file.location.key for _, file in self.files])
        return [(table, name, file) for name, (table, file) in zip(names, self.files, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Return the input as the result's manifest holds it; it differs between versions of the input."""
        files = [{"table": table, **file.to_dict()} for table, file in self.files]
        return {**self.source.to_dict(), "files": files, "map": self.map.to_dict() if self.map else None}


def gather(s3: S3, location: S3Location, as_of: str | None = None) -> BatchInput:
    """Find all files of the input at `location`. `as_of` overrides the input's own.

    SourceError when a file is missing or no `as_of` is given.
    """
    source = require_object(s3, location)
    manifest = _manifest(s3, source) if location.is_manifest else _single_file(location)
    keys = [(table, key) for table in TABLES for key in as_list(getattr(manifest, table, []))]
    check_keys(location, [_beside(location, key).key for _, key in keys])
    files = [(table, require_object(s3, _beside(location, key))) for table, key in keys] or [("orders", source)]
    mapping = (
        require_object(s3, _beside(location, manifest.map)) if manifest.map else find_object(s3, _beside(location, MAP))
    )
    csv = manifest.csv or source.metadata.get("csv", "").lower() == "true"
    return BatchInput(source, tuple(files), mapping, _as_of(source, as_of or manifest.as_of), csv)


def _single_file(location: S3Location) -> Manifest:
    """Return the manifest of a single file of orders; SourceError when its name says another table or type."""
    table = next((table for table in TABLES if location.name.lower().startswith(table)), "orders")
    if table != "orders":
        raise SourceError(
            f"{location} looks like {table} by its name, which cannot be scored without orders; put the files into a "
            f"folder whose name begins with _, and a *{MANIFEST} that names them beside it"
        )
    if not location.name.lower().endswith(CSV + PARQUET):
        raise SourceError(f"{location} has an unsupported file type; use {', '.join(CSV + PARQUET)} or a *{MANIFEST}")
    return Manifest(orders=[])


def _manifest(s3: S3, source: ObjectVersion) -> Manifest:
    if source.bytes > LARGEST_MANIFEST:
        raise SourceError(f"{source.location} has {source.bytes} bytes; a manifest may have {LARGEST_MANIFEST}")
    try:
        answer = s3.get_object(Bucket=source.location.bucket, Key=source.location.key, IfMatch=source.etag)
    except s3.exceptions.ClientError as error:
        raise ChangedError(f"{source.location} was replaced while it was being read ({error_code(error)})") from error
    return read_manifest(source.location, answer["Body"].read())


def _beside(location: S3Location, key: str) -> S3Location:
    """Resolve a manifest's key relative to its folder; SourceError when it leads out of the bucket."""
    path = key.removeprefix("/") if key.startswith("/") else posixpath.join(location.folder, key)
    if "://" in key or ".." in path.split("/") or not path.rpartition("/")[2]:
        raise SourceError(f"{location} names {key[:80]!r}; write a key of the same bucket, from its folder or with a /")
    return S3Location(location.bucket, posixpath.normpath(path))


def _as_of(source: ObjectVersion, given: str | None) -> datetime:
    """Return the given as_of, else that of the key, else that of the object's metadata; never the clock."""
    in_key = AS_OF.search(source.location.key)
    text = given or (in_key[1] if in_key else source.metadata.get("as-of"))
    if text is None:
        raise SourceError(
            f"{source.location} has no as_of; put it under incoming/as_of=2026-06-30/, "
            "or set the object's metadata as-of"
        )
    return parse_as_of(text)


def gather_prefix(s3: S3, location: S3Location, as_of: str | None, *, csv: bool = False) -> BatchInput:
    """Find all files below a prefix: a lake's Parquet files with their tables, or raw files with table "".

    A prefix that is one object is read by `gather`. SourceError when there is nothing to score or no `as_of`.
    """
    if not location.key.endswith("/") and find_object(s3, location):
        batch_input = gather(s3, location, as_of)
        return replace(batch_input, csv=csv or batch_input.csv)
    folder = S3Location(location.bucket, f"{location.key.rstrip('/')}/")
    objects = list(_objects_below(s3, folder))
    lake = any(item.location.key == f"{folder.key}{MARKER}" for item in objects)
    data = [item for item in objects if _is_data(item.location, folder, lake)]
    files = [(table, item) for item in data if (table := _table(item.location, folder) if lake else "") is not None]
    if not files:
        raise SourceError(f"{folder} holds no {', '.join(CSV + PARQUET)}; put files there")
    listing = json.dumps([(table, file.location.key, file.etag) for table, file in files])
    tag = hashlib.sha256(listing.encode()).hexdigest()[:32]
    source = ObjectVersion(folder, tag, None, sum(file.bytes for _, file in files))
    mapping = next((item for item in objects if item.location.key == f"{folder.key}{MAP}"), None)
    return BatchInput(source, tuple(files), mapping, _as_of(source, as_of), csv)


def is_lake(batch_input: BatchInput) -> bool:
    """Return whether the input is a lake made by `regulars ingest`; then each file has its table."""
    return batch_input.source.location.key.endswith("/") and all(table for table, _ in batch_input.files)


def _objects_below(s3: S3, folder: S3Location) -> Iterator[ObjectVersion]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key):
        for item in page.get("Contents", []):
            yield ObjectVersion(S3Location(folder.bucket, item["Key"]), item["ETag"].strip('"'), None, item["Size"])


def _is_data(location: S3Location, folder: S3Location, lake: bool) -> bool:  # noqa: FBT001 - one caller, above
    inner = location.key.removeprefix(folder.key)
    hidden = any(part.startswith(("_", ".")) for part in inner.split("/"))
    return not hidden and inner.lower().endswith(PARQUET if lake else CSV + PARQUET)


def _table(location: S3Location, folder: S3Location) -> str | None:
    """Return the table of a lake's file; None when scoring does not read that table."""
    table = location.key.removeprefix(folder.key).partition("/")[0]
    return table if table in ("orders", "customers", "events") else None
