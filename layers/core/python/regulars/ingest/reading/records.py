"""Delimited text whose quotes need care, rewritten into records of a fixed form.

Needed where a line cannot be understood by itself: a quoted cell spans lines, or text follows a closing quote. Each
record becomes one row of a strictly quoted file: the reason why it is none (or nothing), the line, and its cells. No
physical line is lost: a record that cannot be read becomes a broken row with its text.

A quote that never closes would swallow the rows after it. Two signs show that: a text that ends inside a quote, and a
quoted cell over k line ends that holds k rows' worth of separators. Both refuse the file by line.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from regulars.errors import SourceError
from regulars.ingest.reading.dialect import Dialect
from regulars.ingest.reading.encoding import Text

LONGEST_CELL = 1 << 21
AFTER_QUOTE = "text follows a closing quote"


@dataclass
class _Lines:
    """Physical lines on their way to the csv module, kept as long as a record lasts."""

    lines: Iterator[str]
    number: int = 0
    record: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.record = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.number += 1
        self.record.append(line)
        return line


def rewrite_records(text: Text, name: str, dialect: Dialect, quote: str, escape: str | None, target: Path) -> int:
    """Write the records below the header to `target` and return their number; SourceError as the module says.

    Columns of `target`: reason (blank for a good record), line, then as many cells as the header has and one more.
    """
    width = len(dialect.header)
    rows = 0
    csv.field_size_limit(LONGEST_CELL)
    with (
        text.open() as packed,
        io.TextIOWrapper(packed, encoding="utf-8-sig", newline=None) as stream,  # every line ends with \n
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        lines = _Lines(stream)
        lines.begin()
        for _ in range(dialect.skip + dialect.header_lines):
            next(lines)
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        doubled = escape in (None, quote)
        reader = csv.reader(
            lines,
            delimiter=dialect.separator,
            quotechar=quote,
            doublequote=doubled,
            escapechar=None if doubled else escape,
            strict=True,
        )
        while True:
            lines.begin()
            start = lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                cells = _broken(error, lines, name, start)
                writer.writerow([AFTER_QUOTE, start, *_fitted(cells, width)])
                rows += 1
                continue
            if not cells:
                continue  # a blank line
            _check_swallowed(cells, lines.record, name, start, dialect)
            writer.writerow([_width_fault(cells, width), start, *_fitted(cells, width)])
            rows += 1
    return rows


def _broken(error: csv.Error, lines: _Lines, name: str, start: int) -> list[str]:
    """Return the text of a record that is none; SourceError where lines were swallowed."""
    if "unexpected end of data" in str(error):
        raise SourceError(
            f"{name}: a quote opens in line {start} and never closes, so what follows cannot be read; "
            'close or double it, or say quote = "" in the map if quotes are plain text here'
        ) from error
    if "field larger" in str(error):
        raise SourceError(
            f"{name}: line {start} is longer than 2 MB; a quote opens there and never closes, "
            "or a cell holds a document: close the quote, or export without that column"
        ) from error
    if len(lines.record) > 1:
        raise _swallowed(name, start, lines.number) from error
    return ["".join(lines.record).rstrip("\n")]


def _check_swallowed(cells: list[str], record: list[str], name: str, start: int, dialect: Dialect) -> None:
    if len(record) == 1:
        return
    per_row = len(dialect.header) - 1
    for cell in cells:
        ends = sum(1 for line in cell.split("\n")[1:] if line.strip())
        if ends and per_row and cell.count(dialect.separator) >= ends * per_row:
            raise _swallowed(name, start, start + len(record) - 1)


def _swallowed(name: str, first: int, last: int) -> SourceError:
    return SourceError(
        f"{name}: a quote that opens in line {first} takes the lines to {last} into one cell, and they look like rows; "
        'close or double that quote, or say quote = "" in the map if quotes are plain text here'
    )


def _width_fault(cells: list[str], width: int) -> str:
    if len(cells) > width and any(cells[width:]):
        return f"more than {width} cells"
    return f"fewer than {width} cells" if len(cells) < width else ""


def _fitted(cells: list[str], width: int) -> list[str]:
    return (cells + [""] * width)[:width]
