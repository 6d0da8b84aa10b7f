"""What `regulars batch` was given: a file of orders, a manifest, a folder of files, or a lake."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from regulars.batch.buckets import SPLIT
from regulars.batch.events import MANIFEST, MAP
from regulars.batch.parcel import AS_OF, Manifest
from regulars.batch.store import digest
from regulars.errors import SourceError
from regulars.features import parse_as_of
from regulars.ingest.sources import find
from regulars.lake import MARKER
from regulars.schema import TABLES


@dataclass(frozen=True)
class Source:
    """An input on this machine: a lake, or files by table (all under "" when their names say which)."""

    path: Path
    lake: Path | None
    tables: Mapping[str, tuple[Path, ...]]
    map: Path | None
    as_of: datetime
    csv: bool

    @property
    def files(self) -> list[Path]:
        """Every file that is read."""
        if self.lake:
            return [file for table in SPLIT for file in sorted((self.lake / table).glob("**/*.parquet"))]
        return [file for files in self.tables.values() for file in files]

    def said(self) -> dict[str, Any]:
        """Return what tells this input from another, or from an earlier state of itself."""
        files = [{"file": str(file), "bytes": file.stat().st_size} for file in self.files]
        return {"path": str(self.path), "files": files, "map_sha256": digest(self.map) if self.map else None}

    def state(self) -> list[list[str | int]]:
        """Return what tells a file that was changed or replaced, whatever its date says: that is read again."""
        found = [(str(file), file.stat()) for file in self.files]
        return [[name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for name, stat in found]


def open_source(path: Path, *, as_of: str | None, map_file: Path | None, csv: bool) -> Source:
    """Look at what `path` is; SourceError when it is nothing that can be scored or no `as_of` is said."""
    if not path.exists():
        raise SourceError(f"{path} does not exist; name a file of orders, a *{MANIFEST}, a folder or a lake")
    opened = _opened(path, as_of, map_file, csv=csv)
    for each in (path.resolve(), *opened.files):
        if any("\ud800" <= letter <= "\udfff" for letter in str(each)):  # what is no UTF-8 stands for
            raise SourceError(f"the name {os.fsencode(each)!r} is no UTF-8; rename it")
    return opened


def _opened(path: Path, as_of: str | None, map_file: Path | None, *, csv: bool) -> Source:
    found = AS_OF.search(f"{path.resolve()}/")
    said = as_of or (found[1] if found else None)
    beside = (path if path.is_dir() else path.parent) / MAP
    mapping = map_file or (beside if beside.exists() else None)
    if path.is_dir() and (path / MARKER).exists():
        return Source(path, path, {}, None, _moment(said, path), csv)
    if path.name.endswith(MANIFEST):
        manifest = _manifest(path)
        tables = {table: _listed(path, getattr(manifest, table, [])) for table in TABLES}
        named = {table: files for table, files in tables.items() if files}
        mapping = map_file or (path.parent / manifest.map if manifest.map else mapping)
        return Source(path, None, named, mapping, _moment(as_of or manifest.as_of or said, path), csv or manifest.csv)
    files = tuple(one.path for one in find([path]))
    return Source(path, None, {"" if path.is_dir() else "orders": files}, mapping, _moment(said, path), csv)


def _listed(manifest: Path, keys: str | list[str]) -> tuple[Path, ...]:
    files = tuple(manifest.parent / key for key in ([keys] if isinstance(keys, str) else keys))
    for file in files:
        if not file.is_file():
            raise SourceError(f"{manifest} names {file}, which is not there")
    return files


def _manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate(json.loads(path.read_bytes()))
    except (ValueError, ValidationError) as error:
        raise SourceError(
            f"{path} is no manifest: {str(error).splitlines()[0]}; docs/batch.md has an example"
        ) from error


def _moment(text: str | None, path: Path) -> datetime:
    if text is None:
        raise SourceError(f"{path} does not say its as_of; give --as-of")
    return parse_as_of(text)
