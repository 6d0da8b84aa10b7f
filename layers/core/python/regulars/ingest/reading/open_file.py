"""How DuckDB reads one of the user's files, each row with its number, and what is wrong with the file itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from regulars.data.paths import exactly
from regulars.data.sql import literal
from regulars.errors import SourceError
from regulars.expressions.compiler import Source, quoted
from regulars.ingest.mapping import Mapping
from regulars.ingest.reading import json_rows, workbook
from regulars.ingest.reading.dialect import LOOKED_AT, Dialect, find_dialect, unique_names
from regulars.ingest.reading.encoding import MISFIT, Text, binary, new_file, read_text
from regulars.ingest.reading.records import rewrite_records
from regulars.ingest.reading.sources import SourceFile

OWN = "\x1f"
"""Names of this program's own columns begin with it; no column of a source has it (`unique_names`)."""

ROW, BROKEN = f"{OWN}row", f"{OWN}broken"
"""Two columns beside the file's own: the data row's number from 1, and why the row is no row, or null."""

EXTRA = f"{OWN}extra"
TOO_LONG = re.compile(r"CSV Error on Line: (\d+)\n.*Maximum line size", re.DOTALL)


@dataclass(frozen=True)
class OpenFile:
    """A file that can be read: its columns, a SELECT that gives them with ROW and BROKEN, and what was odd.

    `rows` is the number of rows where it was counted apart, to be compared with what DuckDB reads.
    """

    source: Source
    sql: str
    warnings: tuple[str, ...] = ()
    rows: int | None = None
    scan: str = ""
    """The same rows in any order, quicker where that can be had."""

    def __post_init__(self) -> None:
        """Take the ordered rows where there is no quicker way."""
        object.__setattr__(self, "scan", self.scan or self.sql)


def open_file(connection: duckdb.DuckDBPyConnection, file: SourceFile, mapping: Mapping, workspace: Path) -> OpenFile:
    """Look into a file without reading its rows; SourceError when it is empty or not what its name says.

    What DuckDB cannot read as it lies is rewritten into `workspace`, where it has to stay as long as the file is read.
    """
    return _with_optional(_open(connection, file, mapping, workspace), mapping.optional)


def _with_optional(opened: OpenFile, optional: Sequence[str]) -> OpenFile:
    """Add columns that a file may lack, blank."""
    lacking = [name for name in optional if opened.source.column(name) is None]
    if not lacking:
        return opened
    blank = ", ".join(f"cast(null as varchar) as {quoted(name)}" for name in lacking)
    columns = dict(opened.source.columns) | dict.fromkeys(lacking, "VARCHAR")
    return replace(
        opened,
        source=replace(opened.source, columns=columns),
        sql=f"select *, {blank} from ({opened.sql})",
        scan=f"select *, {blank} from ({opened.scan})",
    )


def _open(connection: duckdb.DuckDBPyConnection, file: SourceFile, mapping: Mapping, workspace: Path) -> OpenFile:
    try:
        if file.path.stat().st_size == 0:
            raise SourceError(f"{file.name} is empty (0 bytes); export it again")
        if file.kind == "parquet":
            return _open_parquet(connection, file)
        if file.kind == "workbook":
            target = new_file(workspace, ".csv")
            header = workbook.rewrite(file, mapping.sheet, mapping.skip, target)
            return _rewritten(file, header, target)
        if file.kind == "json":
            target = new_file(workspace, ".csv")
            return _rewritten(file, json_rows.rewrite(connection, file, target), target)
        return _open_text(connection, file, mapping, workspace)
    except duckdb.InterruptException:
        raise
    except (OSError, EOFError, duckdb.Error) as error:
        raise unreadable(file, error) from error


def columns_of(connection: duckdb.DuckDBPyConnection, file: SourceFile, mapping: Mapping, workspace: Path) -> Source:
    """Return a file's columns; of text by its beginning alone. Errors as `open_file`."""
    if file.kind != "text":
        return open_file(connection, file, mapping, workspace).source
    start = new_file(workspace, ".txt")
    try:
        with binary(file.path) as stream:
            begun = stream.read(LOOKED_AT)
    except (OSError, EOFError) as error:
        raise unreadable(file, error) from error
    whole, end, _ = begun.rpartition(b"\n")
    start.write_bytes(whole + end if len(begun) == LOOKED_AT else begun)
    return open_file(connection, SourceFile(start, file.name), mapping, workspace).source


def unreadable(file: SourceFile, error: Exception) -> SourceError:
    """Turn a reader's error into one line for the user."""
    long = TOO_LONG.search(str(error))
    if long:
        return SourceError(
            f"{file.name}: line {long[1]} is longer than 2 MB; a quote opens there and never closes, "
            "or a cell holds a document: close the quote, or export without that column"
        )
    kind = {"parquet": "Parquet", "workbook": "a workbook", "json": "JSON"}.get(file.kind, "CSV")
    return SourceError(f"{file.name} is not readable as {kind}: {first_line(error)}; export it again")


def first_line(error: Exception) -> str:
    """Return what an error says, without the listings that DuckDB adds."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _open_parquet(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> OpenFile:
    plain = f"read_parquet({exactly(file.path)}, hive_partitioning = false)"
    columns = {row[0]: str(row[1]) for row in connection.execute(f"describe select * from {plain}").fetchall()}
    written = connection.execute(
        f"select name from parquet_schema({exactly(file.path)}) where not contains(name, '.') offset 1"
    ).fetchall()
    names, doubled = unique_names(list(columns))
    lower = [str(row[0]).lower() for row in written]
    doubled |= {name for name in names if lower.count(name.lower()) > 1}
    selected = [
        f"nullif({quoted(name)}, '') as {quoted(own)}" if kind == "VARCHAR" else f"{quoted(name)} as {quoted(own)}"
        for own, (name, kind) in zip(names, columns.items(), strict=True)
    ]
    # A row's number is its place in the file, unless a column of the user's has that name already.
    numbered = "file_row_number" not in map(str.lower, columns)
    read = plain.replace("hive_partitioning", "file_row_number = true, hive_partitioning") if numbered else plain
    row = "file_row_number + 1" if numbered else "row_number() over ()"
    own = f"{row} as {quoted(ROW)}, cast(null as varchar) as {quoted(BROKEN)}"
    source = Source(file.name, dict(zip(names, columns.values(), strict=True)), frozenset(doubled))
    return OpenFile(source, f"select {', '.join([*selected, own])} from {read}")


def _open_text(connection: duckdb.DuckDBPyConnection, file: SourceFile, mapping: Mapping, workspace: Path) -> OpenFile:
    text = read_text(file.path, file.name, mapping.encoding, workspace)
    with text.open() as stream:
        start = stream.read(LOOKED_AT).decode("utf-8", errors="ignore")
    quote = '"' if mapping.quote is None else mapping.quote
    dialect = find_dialect(start, file.name, quote=quote, skip=mapping.skip, separator=mapping.separator)
    warnings = _decisions(file, text, mapping, dialect)
    dirty = _lines(connection, text, dialect, quote) if quote and (text.quotes or quote != '"') else _Lines(0, 0, 0)
    if not dirty.unclear and mapping.escape in (None, quote) and not (quote and text.mixed_ends):
        return _delimited(file, text, dialect, quote, warnings)
    if mapping.quote is None and not dirty.quoted and dirty.even and not text.mixed_ends:
        plain = (
            f"{file.name}: {dirty.unclear} lines hold a quote that does not enclose a cell, and every line has as many "
            'cells as the header, so quotes were read as plain text; say quote = "" in the map to confirm'
        )
        return _delimited(file, text, dialect, "", (*warnings, plain))
    target = new_file(workspace, ".csv")
    rows = rewrite_records(text, file.name, dialect, quote, mapping.escape, target)
    return _rewritten(file, dialect.header, target, warnings, rows)


def _decisions(file: SourceFile, text: Text, mapping: Mapping, dialect: Dialect) -> tuple[str, ...]:
    """Return what was decided for the whole file where the map does not say it."""
    decisions = []
    if text.guessed:
        decisions.append(
            f"{file.name} is not UTF-8 and was read as {text.encoding}; "
            f'check its accents, and say encoding = "{text.encoding}" in the map'
        )
    if mapping.skip is None and dialect.skip and dialect.preamble:
        decisions.append(
            f"{file.name}: {dialect.preamble} before the header "
            f"(line {dialect.skip + 1}) were passed over; say skip = {dialect.skip} in the map to confirm"
        )
    return tuple(decisions)


@dataclass(frozen=True)
class _Lines:
    """Lines below the header: those that no single-line rule explains, those with a well-quoted cell, uneven ones."""

    unclear: int
    quoted: int
    uneven: int

    @property
    def even(self) -> bool:
        return not self.uneven


def _lines(connection: duckdb.DuckDBPyConnection, text: Text, dialect: Dialect, quote: str) -> _Lines:
    """Look at every physical line with a quote: is it understood by itself, by the rules of RFC 4180?"""
    q, s = re.escape(quote), re.escape(dialect.separator)
    cell = f"(?:{q}(?:[^{q}]|{q}{q})*{q}|[^{q}{s}]*)"
    clear = literal(f"{cell}(?:{s}{cell})*")
    a_quoted = literal(f"(?:^|{s}){q}(?:[^{q}]|{q}{q})*{q}(?:{s}|$)")
    separators = f"length(line) - length(replace(line, {literal(dialect.separator)}, ''))"
    held = f"contains(line, {literal(quote)})"
    lines = _physical_lines(text, dialect)
    unclear = f"select count(*) from {lines} where {held} and not regexp_full_match(line, {clear})"
    [(count,)] = connection.execute(unclear).fetchall()
    if not count:
        return _Lines(0, 0, 0)
    row = connection.execute(
        f"select count(*) filter ({held} and regexp_matches(line, {a_quoted})), "
        f"count(*) filter ({separators} <> {len(dialect.header) - 1 + dialect.trailing}) from {lines}"
    ).fetchall()[0]
    return _Lines(int(count), *map(int, row))


def _physical_lines(text: Text, dialect: Dialect) -> str:
    """Return the relation of the lines from the header on, in no order."""
    return (
        f"read_csv({exactly(text.path)}, auto_detect = false, hive_partitioning = false, header = false, "
        f"skip = {dialect.skip}, delim = '\x02', quote = '', escape = '', strict_mode = false, null_padding = true, "
        "nullstr = '\x03\x04', columns = {'line': 'VARCHAR'})"
    )


def _delimited(file: SourceFile, text: Text, dialect: Dialect, quote: str, warnings: tuple[str, ...]) -> OpenFile:
    """Let DuckDB read a text whose lines are clear."""
    names, doubled = unique_names(dialect.header)
    # One column more than the header has, and a null that no cell can spell, show rows that are too long or too short.
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in [*names, EXTRA])
    read = (
        f"read_csv({exactly(text.path)}, auto_detect = false, hive_partitioning = false, header = true, "
        f"skip = {dialect.skip}, delim = {literal(dialect.separator)}, quote = {literal(quote)}, "
        f"escape = {literal(quote)}, strict_mode = false, null_padding = true, parallel = false, "
        f"nullstr = '\x02\x03', columns = {{{types}}})"
    )
    broken = (
        f"case when {quoted(EXTRA)} <> '' then 'more than {len(names)} cells' "
        f"when {quoted(names[-1])} is null then 'fewer than {len(names)} cells' "
        f"{_misfit(text, names)}end as {quoted(BROKEN)}"
    )
    # Read by one thread, in order: a row's number is its place.
    own = f"row_number() over () as {quoted(ROW)}, {broken}"
    sql = f"select {', '.join([*map(_blank_as_null, names), own])} from {read}"
    scan = f"select {', '.join(map(_blank_as_null, names))} from {read.replace('parallel = false', 'parallel = true')}"
    return OpenFile(Source(file.name, dict.fromkeys(names, "VARCHAR"), doubled), sql, warnings, scan=scan)


def _misfit(text: Text, names: list[str]) -> str:
    """Break a row that holds a byte its encoding does not know."""
    if text.encoding == "utf-8" and text.path.suffix != ".utf8":
        return ""
    held = " or ".join(f"contains({quoted(name)}, '{MISFIT}')" for name in names)
    return f"when {held} then 'a byte that is not {text.encoding}' "


def _rewritten(
    file: SourceFile, header: tuple[str, ...], target: Path, warnings: tuple[str, ...] = (), rows: int | None = None
) -> OpenFile:
    """Read what was rewritten as strictly quoted text: reason, line, cells."""
    names, doubled = unique_names(header)
    columns = [BROKEN, f"{OWN}line", *names]
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    read = (
        f"read_csv({exactly(target)}, auto_detect = false, hive_partitioning = false, header = false, delim = ',', "
        f"quote = '\"', escape = '\"', parallel = false, nullstr = '\x02\x03', columns = {{{types}}})"
    )
    misfit = " or ".join(f"contains({quoted(name)}, '{MISFIT}')" for name in names)
    broken = (
        f"coalesce(nullif({quoted(BROKEN)}, ''), "
        f"case when {misfit} then 'a byte that fits nowhere' end) as {quoted(BROKEN)}"
    )
    own = [f"row_number() over () as {quoted(ROW)}", broken]
    sql = f"select {', '.join([*map(_blank_as_null, names), *own])} from {read}"
    return OpenFile(Source(file.name, dict.fromkeys(names, "VARCHAR"), doubled), sql, warnings, rows)


def _blank_as_null(name: str) -> str:
    return f"nullif({quoted(name)}, '') as {quoted(name)}"
