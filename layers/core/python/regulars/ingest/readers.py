"""How DuckDB reads one of the user's files, each row with its number, and what is wrong with the file itself."""

import codecs
import csv
import gzip
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb

from regulars.data.paths import exactly
from regulars.data.sql import literal
from regulars.errors import SourceError
from regulars.expressions.compiler import Source, quoted
from regulars.ingest.sources import SourceFile

ROW, BROKEN = "__source_row", "__broken"
"""Two columns beside the file's own: the data row's number from 1, and why the row is no row, or null."""

EXTRA = "__extra"
CHUNK = 1 << 22
TOO_LONG = re.compile(r"CSV Error on Line: (\d+)\n.*Maximum line size", re.DOTALL)
BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class OpenFile:
    """A file that can be read: its columns, a SELECT that gives them with ROW and BROKEN, and what was odd."""

    source: Source
    sql: str
    warnings: tuple[str, ...] = ()
    odd_quotes: bool = False


def open_file(connection: duckdb.DuckDBPyConnection, file: SourceFile, encoding: str | None) -> OpenFile:
    """Look into a file without reading its rows; SourceError when it is empty or not what its name says."""
    try:
        if file.path.stat().st_size == 0:
            raise SourceError(f"{file.name} is empty (0 bytes); export it again")
        return _open_parquet(connection, file) if file.is_parquet else _open_csv(file, encoding)
    except duckdb.InterruptException:
        raise
    except (OSError, EOFError, duckdb.Error) as error:
        raise unreadable(file, error) from error


def unreadable(file: SourceFile, error: Exception) -> SourceError:
    """Turn a reader's error into one line for the user."""
    long = TOO_LONG.search(str(error))
    if long:
        return SourceError(
            f"{file.name}: line {long[1]} is longer than 2 MB; a quote opens there and never closes, "
            "or a cell holds a document: close the quote, or export without that column"
        )
    kind = "Parquet" if file.is_parquet else "CSV"
    return SourceError(f"{file.name} is not readable as {kind}: {first_line(error)}; export it again")


def first_line(error: Exception) -> str:
    """Return what an error says, without the listings that DuckDB adds."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _open_parquet(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> OpenFile:
    read = f"read_parquet({exactly(file.path)}, hive_partitioning = false, file_row_number = true)"
    described = connection.execute(f"describe select * from {read}").fetchall()
    columns = {row[0]: str(row[1]) for row in described if row[0] != "file_row_number"}
    selected = [_blank_as_null(name) if kind == "VARCHAR" else quoted(name) for name, kind in columns.items()]
    numbers = f"file_row_number + 1 as {ROW}, cast(null as varchar) as {BROKEN}"
    return OpenFile(Source(file.name, columns), f"select {', '.join([*selected, numbers])} from {read}")


def _blank_as_null(name: str) -> str:
    return f"nullif({quoted(name)}, '') as {quoted(name)}"


def _open_csv(file: SourceFile, encoding: str | None) -> OpenFile:
    found, warnings, odd_quotes = _inspect(file, encoding)
    with _binary(file.path) as stream:
        first = _first_line(stream, found)
    delimiter = max(",;\t|", key=lambda one: _outside_quotes(first).count(one))
    header = next(csv.reader(first.splitlines(keepends=True), delimiter=delimiter), [])
    names = _unique(header)
    counts = Counter(name.strip().lower() for name in header)
    doubled = frozenset(name for name in names if counts[name.lower()] > 1)
    if not names:
        raise SourceError(f"{file.name} holds blank lines only; export it again")
    # One column more than the header has, and a null that no cell can spell, show rows that are too long or too short.
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in [*names, EXTRA])
    read = (
        f"read_csv({exactly(file.path)}, auto_detect = false, hive_partitioning = false, header = true, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', strict_mode = false, null_padding = true, "
        f"parallel = false, nullstr = '\x01\x02', encoding = {literal(found)}, columns = {{{types}}})"
    )
    broken = (
        f"case when {EXTRA} is not null then 'more than {len(names)} cells' "
        f"when {quoted(names[-1])} is null then 'fewer than {len(names)} cells' end as {BROKEN}"
    )
    # Read by one thread, in order: a row's number is its place.
    numbers = f"row_number() over () as {ROW}, {broken}"
    sql = f"select {', '.join([*map(_blank_as_null, names), numbers])} from {read}"
    return OpenFile(Source(file.name, dict.fromkeys(names, "VARCHAR"), doubled), sql, warnings, odd_quotes)


def _binary(path: Path) -> BinaryIO:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value] # a reader of bytes in all but name


def _inspect(file: SourceFile, encoding: str | None) -> tuple[str, tuple[str, ...], bool]:
    """Read the bytes once: the encoding, warnings, and whether the number of quotes is odd."""
    quotes = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    found = encoding
    with _binary(file.path) as stream:
        while chunk := stream.read(CHUNK):
            found = found or BOMS.get(chunk[:2])
            if found != "utf-16" and b"\0" in chunk:
                raise SourceError(f"{file.name} is no CSV: it holds binary data; export it again as CSV or Parquet")
            quotes += chunk.count(b'"')
            try:
                if found is None:
                    decoder.decode(chunk)
            except UnicodeDecodeError:
                found = "latin-1"
    if found is None and decoder.getstate()[0]:
        found = "latin-1"
    guessed = found == "latin-1" and encoding is None
    warning = (
        f'{file.name} is not UTF-8 and was read as Latin-1; check its accents, and say encoding = "latin-1" in the map'
    )
    return found or "utf-8", (warning,) if guessed else (), quotes % 2 == 1


def _first_line(stream: BinaryIO, encoding: str) -> str:
    """Return the header: the first line that is not blank, in quotes possibly over several."""
    text = stream.read(1 << 20).decode({"utf-8": "utf-8-sig"}.get(encoding, encoding), errors="ignore").lstrip("\r\n")
    line, rest = "", text.replace("\r\n", "\n").replace("\r", "\n")
    while rest and (not line or line.count('"') % 2):
        more, _, rest = rest.partition("\n")
        line = f"{line}\n{more}" if line else more
    return line


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _unique(names: Sequence[str]) -> list[str]:
    """Name the nameless, and tell apart columns that DuckDB, which ignores case, would take for one."""
    seen: Counter[str] = Counter()
    unique = []
    for place, raw in enumerate(names, start=1):
        name = raw.strip() or f"column{place}"
        seen[name.lower()] += 1
        unique.append(name if seen[name.lower()] == 1 else f"{name}_{seen[name.lower()]}")
    return unique
