"""JSON as rows of text: an array of objects, one object with such an array inside, or an object a line.

An object's members are columns. A member that is an object itself becomes columns `outer.inner`; a list stays JSON.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from regulars.errors import SourceError
from regulars.ingest.reading.sources import SourceFile

DEPTH = 3
"""Objects deeper than this stay JSON."""


def rewrite(_: duckdb.DuckDBPyConnection, file: SourceFile, target: Path) -> tuple[str, ...]:
    """Write the rows as reason, number, cells; return the columns, in the order in which they first appear."""
    columns: dict[str, None] = {}
    for row in _objects(file):
        columns.update(dict.fromkeys(_flat(row)))
    if not columns:
        raise SourceError(f"{file.name} holds no object with members; export it again")
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for number, row in enumerate(_objects(file), start=1):
            cells = _flat(row)
            writer.writerow(["", number, *(cells.get(column, "") for column in columns)])
    return tuple(columns)


def _objects(file: SourceFile) -> Iterator[dict[str, Any]]:
    """Yield the rows; SourceError names the line or the place at fault."""
    opener = gzip.open if file.path.name.lower().endswith(".gz") else open
    with opener(file.path, "rt", encoding="utf-8-sig") as stream:
        if _is_lines(file):
            yield from _lines(stream, file)
            return
        try:
            content = json.load(stream, parse_float=str, parse_int=str)
        except ValueError as error:
            raise SourceError(f"{file.name} is not readable as JSON: {error}; export it again") from error
    yield from _rows_of(content, file)


def _is_lines(file: SourceFile) -> bool:
    """Tell an object a line from one document, whatever the file is called."""
    if file.path.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")):
        return True
    opener = gzip.open if file.path.name.lower().endswith(".gz") else open
    with opener(file.path, "rt", encoding="utf-8-sig") as stream:
        filled = [line for line in (stream.readline(), stream.readline()) if line.strip()]
    try:
        return len(filled) == 2 and all(isinstance(json.loads(line), dict) for line in filled)  # noqa: PLR2004 - both
    except ValueError:
        return False


def _lines(stream: Iterator[str], file: SourceFile) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(stream, start=1):
        if line.strip():
            try:
                row = json.loads(line, parse_float=str, parse_int=str)
            except ValueError as error:
                raise SourceError(f"{file.name}: line {number} is no JSON: {error}; correct it") from error
            if not isinstance(row, dict):
                raise SourceError(f"{file.name}: line {number} is no object; every line must be one")
            yield row


def _rows_of(content: Any, file: SourceFile) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(content, dict):
        lists = [name for name, value in content.items() if isinstance(value, list) and value]
        if len(lists) > 1:
            raise SourceError(f"{file.name} holds several lists ({', '.join(lists)}); bring a file of one of them")
        content = content[lists[0]] if lists else [content]
    for number, row in enumerate(content if isinstance(content, list) else [], start=1):
        if not isinstance(row, dict):
            raise SourceError(f"{file.name}: element {number} is no object; bring a list of objects")
        yield row


def _flat(row: dict[str, Any], before: str = "", depth: int = 0) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, dict) and value and depth < DEPTH:
            cells |= _flat(value, f"{before}{name}.", depth + 1)
        else:
            cells[f"{before}{name}"] = _text(value)
    return cells


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
