"""The user's files: which there are, and which table each belongs to."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from regulars.data.schema import TABLES
from regulars.errors import SourceError
from regulars.ingest.mapping import Mapping
from regulars.text import shown

CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class SourceFile:
    """One file of the user's: where it is, and the name that reports and rejects call it by."""

    path: Path
    name: str

    @property
    def is_parquet(self) -> bool:
        """Say whether the file is Parquet; everything else here is CSV."""
        return self.path.name.lower().endswith(PARQUET)


def find(sources: Sequence[Path]) -> list[SourceFile]:
    """List the files under `sources` in a fixed order, each once; SourceError for what is missing or no table."""
    found: dict[Path, SourceFile] = {}
    for source in sources:
        for path, name in _under(source):
            found.setdefault(path.resolve(), SourceFile(path, name))
    if not found:
        where = ", ".join(map(str, sources)) or "the sources"
        raise SourceError(f"no CSV or Parquet file in {where}; name files or folders that hold some")
    files = sorted(found.values(), key=lambda one: (one.name, str(one.path)))
    names = Counter(one.name for one in files)
    # Two folders may hold files of one name: then the longer name tells them apart.
    return [SourceFile(one.path, one.name if names[one.name] == 1 else str(one.path)) for one in files]


def _under(source: Path) -> Iterator[tuple[Path, str]]:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            inner = path.relative_to(source)
            hidden = any(part.startswith((".", "_")) for part in inner.parts)
            if path.is_file() and not hidden and path.name.lower().endswith(CSV + PARQUET):
                yield path, f"{source.resolve().name}/{inner.as_posix()}"
    elif not source.exists():
        raise SourceError(f"{source} does not exist; name a CSV or Parquet file, or a folder of them")
    elif source.name.lower().endswith(CSV + PARQUET):
        yield source, source.name
    else:
        raise SourceError(
            f"{source} is of an unsupported type; bring {', '.join(CSV + PARQUET)} (save a workbook as CSV)"
        )


def assign(files: Sequence[SourceFile], mapping: Mapping) -> tuple[dict[str, list[SourceFile]], list[str]]:
    """Give each table its files, and name the files that belong to none.

    A section's `files` patterns decide first; then a name (of the file or a folder) that begins like a table; what is
    left is orders. A section that gets no file is a SourceError.
    """
    sections = mapping.sections or dict.fromkeys(TABLES)
    chosen: dict[str, list[SourceFile]] = {table: [] for table in sections}
    for table, section in sections.items():
        if section and section.files:
            chosen[table] = [one for one in files if any(_matches(one, pattern) for pattern in section.files)]
    taken = {one for some in chosen.values() for one in some}
    open_tables = [table for table, section in sections.items() if not (section and section.files)]
    left: list[SourceFile] = []
    for one in files:
        if one not in taken:
            named = _by_name(one, open_tables)
            (chosen[named] if named else left).append(one)
    for table, section in sections.items():
        if not chosen[table] and (section is not None or table == "orders"):
            raise SourceError(f"no source file is {table}; {_how_to_name(table, section.files if section else ())}")
    return {table: some for table, some in chosen.items() if some}, [one.name for one in left]


def _matches(one: SourceFile, pattern: str) -> bool:
    return any(name == pattern or fnmatch(name, pattern) for name in (one.path.name, one.name))


def _by_name(one: SourceFile, tables: Sequence[str]) -> str | None:
    parts = [part.lower() for part in reversed(Path(one.name).parts)]
    named = next((table for part in parts for table in tables if part.startswith(table)), None)
    return named or ("orders" if "orders" in tables else None)


def _how_to_name(table: str, patterns: Sequence[str]) -> str:
    if patterns:
        return f"none matches files = {shown(list(patterns))} of [{table}]; correct the patterns or add the files"
    return f'call a file {table}*.csv, or give [{table}] files = ["..."] in the map'
