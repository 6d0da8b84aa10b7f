"""The input of `regulars batch`: a file of orders, a manifest, a folder of files, or a lake."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from regulars.batch.batch_input import AS_OF
from regulars.batch.events import MANIFEST, MAP
from regulars.batch.manifest import Manifest, as_list, check_keys, display_names, read_manifest
from regulars.batch.storage.store import digest
from regulars.data.lake import MARKER
from regulars.data.schema import FEATURED, TABLES
from regulars.errors import SourceError
from regulars.ingest.reading.sources import SourceFile, find
from regulars.instants import parse_as_of


@dataclass(frozen=True)
class Source:
    """An input on this machine: a lake, or files by table (under "" when their names give the table)."""

    path: Path
    lake: Path | None
    tables: Mapping[str, tuple[SourceFile, ...]]
    map: Path | None
    as_of: datetime
    csv: bool

    @property
    def files(self) -> list[Path]:
        """All files that are read."""
        if self.lake:
            return [file for table in FEATURED for file in sorted((self.lake / table).glob("**/*.parquet"))]
        return [file.path for files in self.tables.values() for file in files]

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest's entry for the input."""
        files = [{"file": str(file), "bytes": file.stat().st_size} for file in self.files]
        return {"path": str(self.path), "files": files, "map_sha256": digest(self.map) if self.map else None}

    def state(self) -> list[list[str | int]]:
        """Return each file's name, size and times. Any change or replacement of a file changes them (st_ctime_ns)."""
        stats = [(str(file), file.stat()) for file in self.files]
        return [[name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for name, stat in stats]


def open_source(path: Path, *, as_of: str | None, map_file: Path | None, csv: bool) -> Source:
    """Find the files of the input at `path`; SourceError when it cannot be scored or has no `as_of`."""
    if not path.exists():
        raise SourceError(f"{path} does not exist; name a file of orders, a *{MANIFEST}, a folder or a lake")
    source = _open(path, as_of, map_file, csv=csv)
    for file in (path.resolve(), *source.files):
        if any("\ud800" <= letter <= "\udfff" for letter in str(file)):  # stands for bytes that are not UTF-8
            raise SourceError(f"the name {os.fsencode(file)!r} is not UTF-8; rename it")
    return source


def _open(path: Path, as_of: str | None, map_file: Path | None, *, csv: bool) -> Source:
    in_path = AS_OF.search(f"{path.resolve()}/")
    moment = as_of or (in_path[1] if in_path else None)
    beside = (path if path.is_dir() else path.parent) / MAP
    mapping = map_file or (beside if beside.exists() else None)
    if path.is_dir() and (path / MARKER).exists():
        return Source(path, path, {}, None, _parse(moment, path), csv)
    if path.name.endswith(MANIFEST):
        manifest = read_manifest(path, path.read_bytes())
        mapping = map_file or (path.parent / manifest.map if manifest.map else mapping)
        if mapping and not mapping.is_file():
            raise SourceError(f"{path} names {manifest.map or mapping}, which does not exist")
        instant = _parse(as_of or manifest.as_of or moment, path)
        return Source(path, None, _manifest_files(path, manifest), mapping, instant, csv or manifest.csv)
    return Source(
        path, None, {"" if path.is_dir() else "orders": tuple(find([path]))}, mapping, _parse(moment, path), csv
    )


def _manifest_files(path: Path, manifest: Manifest) -> dict[str, tuple[SourceFile, ...]]:
    """Return a manifest's files by table; SourceError when one is missing, named twice or of an unsupported type."""
    keys = [(table, key) for table in TABLES for key in as_list(getattr(manifest, table, []))]
    check_keys(path, [os.path.normpath(key) for _, key in keys])
    tables: dict[str, list[SourceFile]] = {}
    for (table, key), name in zip(keys, display_names([key for _, key in keys]), strict=True):
        file = path.parent / key
        if not file.is_file():
            raise SourceError(f"{path} names {key}, which does not exist")
        tables.setdefault(table, []).append(SourceFile(file, name))
    targets = [file.path.resolve() for files in tables.values() for file in files]
    for repeated in (target for place, target in enumerate(targets) if target in targets[:place]):
        raise SourceError(f"{path} names {repeated} twice, once by a link; name each file once")
    return {table: tuple(files) for table, files in tables.items()}


def _parse(text: str | None, path: Path) -> datetime:
    if text is None:
        raise SourceError(f"{path} has no as_of; give --as-of")
    return parse_as_of(text)
