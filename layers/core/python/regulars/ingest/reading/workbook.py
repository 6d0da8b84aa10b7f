"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) as rows of text: one sheet, its header found, its cells as they mean."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from regulars.errors import SourceError
from regulars.ingest.reading.sources import SourceFile
from regulars.text import near


def rewrite(file: SourceFile, sheet: str | None, skip: int | None, target: Path) -> tuple[str, ...]:
    """Write a sheet's rows as reason, row, cells; return the header.

    The sheet is the one that `sheet` names, or the only one that holds anything; SourceError where several do.
    """
    rows = _sheet(file, sheet)
    filled = [place for place, row in enumerate(rows) if any(_text(cell) for cell in row)]
    if not filled:
        raise SourceError(f"{file.name} holds no cell that is filled; export it again")
    first = skip if skip is not None else _header_place(rows, filled)
    header = [_text(cell) for cell in rows[first]]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise SourceError(f"{file.name}: row {first + 1} is blank, so it is no header; correct skip in the map")
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for place in filled:
            if place > first:
                cells = [_text(cell) for cell in rows[place]]
                more = f"more than {len(header)} cells" if any(cells[len(header) :]) else ""
                writer.writerow([more, place + 1, *(cells + [""] * len(header))[: len(header)]])
    return tuple(header)


def _sheet(file: SourceFile, sheet: str | None) -> Sequence[Sequence[Any]]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - only who brings one pays for it
    except ImportError as error:
        raise SourceError(f"{file.name} is a workbook, which this installation cannot read; save it as CSV") from error
    try:
        with file.path.open("rb") as stream:
            book = CalamineWorkbook.from_filelike(stream)
            names = list(book.sheet_names)
            if sheet is not None:
                if sheet not in names:
                    raise SourceError(f'{file.name} has no sheet "{sheet}"; {near(sheet, names)}')
                return book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
            tables = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}
    except CalamineError as error:
        raise SourceError(f"{file.name} is not readable as a workbook: {error}; save it again") from error
    filled = [name for name, rows in tables.items() if any(_text(cell) for row in rows for cell in row)]
    if len(filled) > 1:
        raise SourceError(
            f"{file.name} has {len(filled)} sheets that hold something ({', '.join(filled[:5])}); "
            f'say sheet = "{filled[0]}" in the map'
        )
    return tables[filled[0]] if filled else []


def _header_place(rows: Sequence[Sequence[Any]], filled: Sequence[int]) -> int:
    """Return the row of the header: the first that has as many filled cells as most rows have at most."""
    widths = Counter(sum(1 for cell in rows[place] if _text(cell)) for place in filled[:200])
    widest = max(widths, key=lambda width: (widths[width], width))
    return next((place for place in filled if sum(1 for cell in rows[place] if _text(cell)) >= widest), filled[0])


def _text(cell: Any) -> str:  # noqa: ANN401 - whatever a cell holds
    """Write a cell as text: whole numbers without a point, times in ISO form, a day without a time as a day."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell.total_seconds())
    return str(cell).strip() if cell is not None else ""
