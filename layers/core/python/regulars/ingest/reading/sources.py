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

CSV = (".csv", ".tsv", ".tab", ".txt", ".csv.gz", ".tsv.gz", ".tab.gz", ".txt.gz")
PARQUET = (".parquet", ".pq")
WORKBOOK = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
ARCHIVE = (".zip",)
READABLE = CSV + PARQUET + WORKBOOK + JSON
KINDS = {"text": CSV, "parquet": PARQUET, "workbook": WORKBOOK, "json": JSON, "archive": ARCHIVE}
BESIDE = (".toml", ".md", ".pdf", ".sql", ".log", ".ini", ".png", ".jpg", ".sha256", ".md5")
"""Endings of what may lie beside data, and is none."""


@dataclass(frozen=True)
class SourceFile:
    """One file of the user's: where it is, and the name that reports and rejects call it by."""

    path: Path
    name: str

    @property
    def kind(self) -> str:
        """One of KINDS, by the file's ending; anything else is read as text."""
        name = self.path.name.lower()
        return next((kind for kind, endings in KINDS.items() if name.endswith(endings)), "text")


def find(sources: Sequence[Path]) -> list[SourceFile]:
    """List the files under `sources` in a fixed order, each once; SourceError for what is missing or no table."""
    found: dict[Path, SourceFile] = {}
    for source in sources:
        for path, name in _under(source):
            found.setdefault(path.resolve(), SourceFile(path, name))
    if not found:
        where = ", ".join(map(str, sources)) or "the sources"
        raise SourceError(f"no CSV, Parquet, JSON or workbook in {where}; name files or folders that hold some")
    files = sorted(found.values(), key=lambda file: (file.name, str(file.path)))
    names = Counter(file.name for file in files)
    # Two folders may hold files of one name: then the longer name tells them apart.
    return [SourceFile(file.path, file.name if names[file.name] == 1 else str(file.path)) for file in files]


def _under(source: Path) -> Iterator[tuple[Path, str]]:
    if source.is_dir():
        for path, inner in _visible(source):
            if path.name.lower().endswith(READABLE + ARCHIVE):
                yield path, f"{source.resolve().name}/{inner}"
    elif not source.exists():
        raise SourceError(f"{source} does not exist; name a file, or a folder of them")
    elif source.name.lower().endswith(READABLE + ARCHIVE):
        yield source, source.name
    else:
        raise SourceError(f"{source} is of an unsupported type; bring {', '.join(READABLE + ARCHIVE)}")


def _visible(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield a folder's files, but for hidden ones: a name that begins with a dot, an underscore, or Office's `~$`."""
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "_", "~$")) for part in inner.parts):
            yield path, inner.as_posix()


def unsupported(sources: Sequence[Path]) -> list[str]:
    """Name the files in folders that are of no type that can be read, and are no documents (BESIDE)."""
    return [
        inner
        for source in sources
        if source.is_dir()
        for path, inner in _visible(source)
        if not path.name.lower().endswith(READABLE + ARCHIVE + BESIDE)
    ]


def assign(files: Sequence[SourceFile], mapping: Mapping) -> tuple[dict[str, list[SourceFile]], list[str]]:
    """Give each table its files, and name the files that belong to none.

    A section's `files` patterns decide first; then a name (of the file or a folder) that begins like a table; what is
    left is orders. Files that only joins read are of no table. A section that gets no file is a SourceError.
    """
    sections = mapping.sections or dict.fromkeys(TABLES)
    joined = {file for join in mapping.join for file in files if _matches(file, join.file)}
    chosen: dict[str, list[SourceFile]] = {table: [] for table in sections}
    for table, section in sections.items():
        if section and section.files:
            chosen[table] = [file for file in files if any(_matches(file, pattern) for pattern in section.files)]
    taken = joined.union(*chosen.values())
    open_tables = [table for table, section in sections.items() if not (section and section.files)]
    left: list[SourceFile] = []
    for file in files:
        if file not in taken:
            named = _by_name(file, open_tables)
            (chosen[named] if named else left).append(file)
    for table, section in sections.items():
        if not chosen[table] and (section is not None or table == "orders"):
            raise SourceError(f"no source file is {table}; {_how_to_name(table, section.files if section else ())}")
    return {table: some for table, some in chosen.items() if some}, [file.name for file in left]


def matching(files: Sequence[SourceFile], pattern: str) -> list[SourceFile]:
    """Return the files whose name matches a pattern of a map."""
    return [file for file in files if _matches(file, pattern)]


def _matches(file: SourceFile, pattern: str) -> bool:
    return any(name == pattern or fnmatch(name, pattern) for name in (file.path.name, file.name))


def _by_name(file: SourceFile, tables: Sequence[str]) -> str | None:
    parts = [part.lower() for part in reversed(Path(file.name).parts)]
    named = next((table for part in parts for table in tables if part.startswith(table)), None)
    return named or ("orders" if "orders" in tables else None)


def _how_to_name(table: str, patterns: Sequence[str]) -> str:
    if patterns:
        return f"none matches files = {shown(list(patterns))} of [{table}]; correct the patterns or add the files"
    return f'call a file {table}*.csv, or give [{table}] files = ["..."] in the map'
