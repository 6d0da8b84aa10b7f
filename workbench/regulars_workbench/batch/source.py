"""What `regulars batch` was given: a file of orders, a manifest, a folder of files, or a lake."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from regulars.batch.batch_input import AS_OF
from regulars.batch.events import MANIFEST, MAP
from regulars.batch.manifest import Manifest, called, check_keys, listed, read_manifest
from regulars.batch.storage.store import digest
from regulars.data.lake import MARKER
from regulars.data.schema import FEATURED, TABLES
from regulars.errors import SourceError
from regulars.ingest.sources import SourceFile, find
from regulars.instants import parse_as_of


@dataclass(frozen=True)
class Source:
    """An input on this machine: a lake, or files by table (all under "" when their names say which)."""

    path: Path
    lake: Path | None
    tables: Mapping[str, tuple[SourceFile, ...]]
    map: Path | None
    as_of: datetime
    csv: bool

    @property
    def files(self) -> list[Path]:
        """Every file that is read."""
        if self.lake:
            return [file for table in FEATURED for file in sorted((self.lake / table).glob("**/*.parquet"))]
        return [file.path for files in self.tables.values() for file in files]

    def to_dict(self) -> dict[str, Any]:
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
        manifest = read_manifest(path, path.read_bytes())
        mapping = map_file or (path.parent / manifest.map if manifest.map else mapping)
        if mapping and not mapping.is_file():
            raise SourceError(f"{path} names {manifest.map or mapping}, which is not there")
        moment = _moment(as_of or manifest.as_of or said, path)
        return Source(path, None, _named(path, manifest), mapping, moment, csv or manifest.csv)
    return Source(
        path, None, {"" if path.is_dir() else "orders": tuple(find([path]))}, mapping, _moment(said, path), csv
    )


def _named(path: Path, manifest: Manifest) -> dict[str, tuple[SourceFile, ...]]:
    """Return the files that a manifest names; SourceError when one is not there, no table, or named twice."""
    keys = [(table, key) for table in TABLES for key in listed(getattr(manifest, table, []))]
    check_keys(path, [os.path.normpath(key) for _, key in keys])
    tables: dict[str, list[SourceFile]] = {}
    for (table, key), name in zip(keys, called([key for _, key in keys]), strict=True):
        file = path.parent / key
        if not file.is_file():
            raise SourceError(f"{path} names {key}, which is not there")
        tables.setdefault(table, []).append(SourceFile(file, name))
    there = [one.path.resolve() for files in tables.values() for one in files]
    for twice in (each for place, each in enumerate(there) if each in there[:place]):
        raise SourceError(f"{path} names {twice} twice, once by a link; name each file once")
    return {table: tuple(files) for table, files in tables.items()}


def _moment(text: str | None, path: Path) -> datetime:
    if text is None:
        raise SourceError(f"{path} does not say its as_of; give --as-of")
    return parse_as_of(text)
