"""How a delimited text is written: its separator, where its header stands, and whether quotes quote."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from regulars.errors import SourceError

SEPARATORS = ",;\t|"
LOOKED_AT = 1 << 20
"""Bytes at the beginning of a file that tell its dialect."""

MOST_LINES = 200
HINT = re.compile(r"""^"?sep=(.)"?\s*$""", re.IGNORECASE)
"""Excel's own first line, `sep=;`."""


@dataclass(frozen=True)
class Dialect:
    """A separator, the physical lines before the header (blank ones count), and the header's names as written."""

    separator: str
    skip: int
    header: tuple[str, ...]
    header_lines: int = 1
    trailing: bool = False
    """The header ends with a separator: the nameless last column is none."""

    filled_before: int = 0
    """How many of the skipped lines are not blank."""

    before: int = 0
    """Those of them that are not Excel's own `sep=;`."""

    @property
    def preamble(self) -> str:
        """The skipped lines in words, or nothing."""
        return f"{self.before} line{'s' * (self.before != 1)}" if self.before else ""


def find_dialect(start: str, name: str, *, quote: str, skip: int | None, separator: str | None) -> Dialect:
    """Return the dialect of a text that begins with `start`; SourceError when there is no line at all."""
    lines = start.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    before = skip or 0
    if skip is None and (hint := HINT.match(lines[0])):
        separator, before = separator or hint[1], 1
    rest = lines[before:]
    if not any(line.strip() for line in rest):
        raise SourceError(f"{name} holds blank lines only; export it again")
    separator = separator or _separator(rest[:MOST_LINES], quote)
    at = before + (
        _header_place(rest[:MOST_LINES], separator, quote) if skip is None else _first_filled(rest, separator)
    )
    header, used = _header(lines[at:], separator, quote)
    trailing = len(header) > 1 and not header[-1].strip()
    filled = [line for line in lines[:at] if line.strip()]
    before = sum(1 for line in filled if not HINT.match(line))
    return Dialect(separator, at, tuple(header[:-1] if trailing else header), used, trailing, len(filled), before)


def _first_filled(lines: Sequence[str], separator: str) -> int:
    """Return the first line that has more than separators; the first one that is not blank where none has."""
    blank = separator + " \t\r"
    filled = (place for place, line in enumerate(lines) if line.strip(blank))
    return next(filled, next(place for place, line in enumerate(lines) if line.strip()))


def _separator(lines: Sequence[str], quote: str) -> str:
    """Return the separator that most lines agree on: the one with the most cells in a number that is common."""

    def rank(candidate: str) -> tuple[int, int]:
        counts = Counter(count for line in lines if line.strip() and (count := _count(line, candidate, quote)))
        if not counts:
            return 0, 0
        cells, often = max(counts.items(), key=lambda pair: (pair[1], pair[0]))
        return often * cells, cells

    return max(SEPARATORS, key=rank)


def _header_place(lines: Sequence[str], separator: str, quote: str) -> int:
    """Return the line of the header: the first, or the first full one where a title of few cells stands before it."""
    first = _first_filled(lines, separator)
    counts = Counter(_count(line, separator, quote) for line in lines if line.strip())
    most = max(counts, key=lambda count: (counts[count], count))
    if _count(lines[first], separator, quote) > most // 2:
        return first
    full = (
        place
        for place, line in enumerate(lines)
        if _count(line, separator, quote) >= most and _is_header(line, separator, quote)
    )
    return next(full, first) if most and counts[most] > 1 else first


def _is_header(line: str, separator: str, quote: str) -> bool:
    """Say whether a line's cells can be names: none is a number, and most are filled."""
    cells, _ = _header([line], separator, quote)
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) > len(cells) / 2 and not any(re.fullmatch(r"[\d.,:/ -]+", cell) for cell in filled)


def _count(line: str, separator: str, quote: str) -> int:
    """Count the separators outside quotes."""
    if not quote or quote not in line:
        return line.count(separator)
    return sum(part.count(separator) for part in line.split(quote)[::2])


def _header(lines: Sequence[str], separator: str, quote: str) -> tuple[list[str], int]:
    """Return the header's cells, and how many physical lines it takes: a name in quotes may span several."""
    if not quote:
        return lines[0].split(separator), 1
    reader = csv.reader([line + "\n" for line in lines], delimiter=separator, quotechar=quote)
    cells = next(reader)
    return cells, reader.line_num


def unique_names(names: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """Name the nameless, tell apart names that are equal but for case; return the names, and those that came twice.

    Control characters are taken out: names with them are this program's own.
    """
    seen: Counter[str] = Counter()
    unique = []
    for place, raw in enumerate(names, start=1):
        name = re.sub(r"[\x00-\x1f\x7f]+", " ", raw).strip() or f"column{place}"
        seen[name.lower()] += 1
        again = seen[name.lower()]
        while again > 1 and f"{name}_{again}".lower() in seen:
            again += 1
        chosen = name if again == 1 else f"{name}_{again}"
        seen[chosen.lower()] += again > 1
        unique.append(chosen)
    counts = Counter(re.sub(r"[\x00-\x1f\x7f]+", " ", name).strip().lower() for name in names)
    return unique, frozenset(name for name in unique if counts[name.lower()] > 1)
