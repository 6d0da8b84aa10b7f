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

from regulars.batch.events import MANIFEST, MAP, Named
from regulars.batch.manifest import LARGEST_MANIFEST, Manifest, called, check_keys, listed, read_manifest
from regulars.batch.storage.source import S3, ChangedError, Seen, code, look, must_look
from regulars.data.lake import MARKER
from regulars.data.schema import TABLES
from regulars.errors import SourceError
from regulars.ingest.sources import CSV, PARQUET
from regulars.instants import parse_as_of

AS_OF = re.compile(r"(?:^|/)as_of=([^/]+)/")


@dataclass(frozen=True)
class Parcel:
    """An input as it was when looked at; two that are equal have the same bytes to score."""

    source: Seen
    files: tuple[tuple[str, Seen], ...]
    """Each file with its table, in a fixed order."""
    map: Seen | None
    as_of: datetime
    csv: bool = False

    @property
    def id(self) -> str:
        """Name the input by its file's or folder's name and a hash of where it lies: the same for all its versions."""
        named = self.source.named
        last = named.name or named.folder.rpartition("/")[2]
        start = re.sub(r"[^A-Za-z0-9_-]+", "-", last.partition(".")[0])[:60]
        return f"{start}-{hashlib.sha256(f'{named.bucket}/{named.key}'.encode()).hexdigest()[:12]}"

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
    def named(self) -> list[tuple[str, str, Seen]]:
        """Each file with its table and what reports and rejects call it."""
        names = called([seen.named.key for _, seen in self.files])
        return [(table, name, seen) for name, (table, seen) in zip(names, self.files, strict=True)]

    def said(self) -> dict[str, Any]:
        """Return what the result's manifest says of it, and by which one version is told from another."""
        files = [{"table": table, **seen.said()} for table, seen in self.files]
        return {**self.source.said(), "files": files, "map": self.map.said() if self.map else None}


def gather(s3: S3, named: Named, as_of: str | None = None) -> Parcel:
    """Look at everything that the object `named` stands for; SourceError when something is missing or not said.

    `as_of` goes before what the input says.
    """
    source = must_look(s3, named)
    said = _manifest(s3, source) if named.is_manifest else _alone(named)
    keys = [(table, key) for table in TABLES for key in listed(getattr(said, table, []))]
    check_keys(named, [_beside(named, key).key for _, key in keys])
    files = [(table, must_look(s3, _beside(named, key))) for table, key in keys] or [("orders", source)]
    mapping = must_look(s3, _beside(named, said.map)) if said.map else look(s3, _beside(named, MAP))
    csv = said.csv or source.metadata.get("csv", "").lower() == "true"
    return Parcel(source, tuple(files), mapping, _as_of(source, as_of or said.as_of), csv)


def _alone(named: Named) -> Manifest:
    """Take a file for the orders; SourceError when its name says that it is something else."""
    table = next((table for table in TABLES if named.name.lower().startswith(table)), "orders")
    if table != "orders":
        raise SourceError(
            f"{named} is called like {table}, which are not scored without orders; put the files into a folder whose "
            f"name begins with _ and a *{MANIFEST} beside it that names them"
        )
    if not named.name.lower().endswith(CSV + PARQUET):
        raise SourceError(f"{named} is of an unsupported type; bring {', '.join(CSV + PARQUET)} or a *{MANIFEST}")
    return Manifest(orders=[])


def _manifest(s3: S3, source: Seen) -> Manifest:
    if source.bytes > LARGEST_MANIFEST:
        raise SourceError(f"{source.named} is {source.bytes} bytes; a manifest has at most {LARGEST_MANIFEST}")
    try:
        answer = s3.get_object(Bucket=source.named.bucket, Key=source.named.key, IfMatch=source.etag)
    except s3.exceptions.ClientError as error:
        raise ChangedError(f"{source.named} was replaced while it was read ({code(error)})") from error
    return read_manifest(source.named, answer["Body"].read())


def _beside(named: Named, key: str) -> Named:
    """Return the object that `key` names as seen from `named`'s folder; SourceError when it leads out of the bucket."""
    path = key.removeprefix("/") if key.startswith("/") else posixpath.join(named.folder, key)
    if "://" in key or ".." in path.split("/") or not path.rpartition("/")[2]:
        raise SourceError(f"{named} names {key[:80]!r}; write a key of the same bucket, from its folder or with a /")
    return Named(named.bucket, posixpath.normpath(path))


def _as_of(source: Seen, said: str | None) -> datetime:
    """Read the moment to score at from the manifest, the key or the object's metadata; never from the clock."""
    found = AS_OF.search(source.named.key)
    text = said or (found[1] if found else source.metadata.get("as-of"))
    if text is None:
        raise SourceError(
            f"{source.named} does not say its as_of; put it under incoming/as_of=2026-06-30/, "
            "or give the object the metadata as-of"
        )
    return parse_as_of(text)


def gather_prefix(s3: S3, named: Named, as_of: str | None, *, csv: bool = False) -> Parcel:
    """Look at everything below a prefix: a lake's Parquet files by table, or files whose names will say what they are.

    One object is taken as `gather` takes it. SourceError when there is nothing to score or no `as_of` is said.
    """
    if not named.key.endswith("/") and look(s3, named):
        parcel = gather(s3, named, as_of)
        return replace(parcel, csv=csv or parcel.csv)
    folder = Named(named.bucket, f"{named.key.rstrip('/')}/")
    found = list(_below(s3, folder))
    lake = any(each.named.key == f"{folder.key}{MARKER}" for each in found)
    wanted = [each for each in found if _wanted(each.named, folder, lake)]
    files = [(table, each) for each in wanted if (table := _table(each.named, folder) if lake else "") is not None]
    if not files:
        raise SourceError(f"{folder} holds no {', '.join(CSV + PARQUET)}; put files there")
    listing = json.dumps([(table, each.named.key, each.etag) for table, each in files])
    tag = hashlib.sha256(listing.encode()).hexdigest()[:32]
    source = Seen(folder, tag, None, sum(each.bytes for _, each in files))
    mapping = next((each for each in found if each.named.key == f"{folder.key}{MAP}"), None)
    return Parcel(source, tuple(files), mapping, _as_of(source, as_of), csv)


def is_lake(parcel: Parcel) -> bool:
    """Say whether a prefix is a lake: its files come with their tables, clean already."""
    return parcel.source.named.key.endswith("/") and all(table for table, _ in parcel.files)


def _below(s3: S3, folder: Named) -> Iterator[Seen]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key):
        for each in page.get("Contents", []):
            yield Seen(Named(folder.bucket, each["Key"]), each["ETag"].strip('"'), None, each["Size"])


def _wanted(named: Named, folder: Named, lake: bool) -> bool:  # noqa: FBT001 - said by name above
    inner = named.key.removeprefix(folder.key)
    hidden = any(part.startswith(("_", ".")) for part in inner.split("/"))
    return not hidden and inner.lower().endswith(PARQUET if lake else CSV + PARQUET)


def _table(named: Named, folder: Named) -> str | None:
    """Return the table that a lake's file belongs to; None of what scores are not made of."""
    table = named.key.removeprefix(folder.key).partition("/")[0]
    return table if table in ("orders", "customers", "events") else None
