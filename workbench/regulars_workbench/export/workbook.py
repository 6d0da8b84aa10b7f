"""A workbook for Excel: a sheet for each group, with typed cells."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from regulars.data.atomic_files import atomic_file
from regulars.errors import SourceError
from regulars_workbench.export.columns import TEXTS, Column
from regulars_workbench.export.names import sheet_names
from regulars_workbench.export.rows import Group

BLOCK = 10_000
"""Rows that are in memory at a time."""
EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - Excel's instants have no zone
"""When every workbook says it was made, so that equal input gives equal bytes."""


def write_workbook(connection: duckdb.DuckDBPyConnection, groups: list[Group], path: Path) -> None:
    """Write a sheet for each group. Texts stay texts, whatever they begin with.

    SourceError when a text is longer than a cell may be.
    """
    with atomic_file(path) as partial:
        try:
            # Constant memory: rows go to disk as they come.
            with xlsxwriter.Workbook(str(partial), {"constant_memory": True}) as book:
                book.set_properties({"created": EPOCH})
                names = sheet_names(group.title for group in groups)
                for group, name in zip(groups, names, strict=True):
                    _write_sheet(connection, group, book, book.add_worksheet(name))
        except XlsxWriterException as error:
            raise SourceError(f"{path} cannot be written: {error}") from error


def _write_sheet(connection: duckdb.DuckDBPyConnection, group: Group, book: Any, sheet: Any) -> None:  # noqa: ANN401 - the library has no types
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    sheet.freeze_panes(1, 1)
    for at, column in enumerate(group.columns):
        sheet.set_column(at, at, column.width)
    for at, column in enumerate(group.columns):
        sheet.write_string(0, at, column.titled(group.facts), head)
    writers = [_writer(book, sheet, column, group.facts.minor_units) for column in group.columns]
    result, written = connection.execute(group.query()), 0
    while block := result.fetchmany(BLOCK):
        for row, values in enumerate(block, written + 1):
            for at, value in enumerate(values):
                if value is not None and writers[at](row, at, value):
                    raise SourceError(
                        f"{group.columns[at].name} of customer {str(values[0])[:80]} is longer than a cell may be; "
                        "write a .csv file"
                    )
        written += len(block)
    sheet.autofilter(0, 0, group.rows, len(group.columns) - 1)


def _writer(book: Any, sheet: Any, column: Column, minor_units: int) -> Callable[[int, int, Any], int]:  # noqa: ANN401 - the library has no types
    """Return what writes a value of the column to (row, column); its answer is 0 when all went well."""
    if column.kind in TEXTS:
        return lambda row, at, value: int(sheet.write_string(row, at, value))
    if column.kind in ("day", "instant"):
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        return lambda row, at, value: int(sheet.write_datetime(row, at, value, day))
    decimals = {"money": minor_units, "share": 1, "number": 2}.get(column.kind, 0)
    comma = "" if column.kind == "count" else "#,##"
    number = book.add_format({"num_format": f"{comma}0{'.' if decimals else ''}{'0' * decimals}"})
    return lambda row, at, value: int(sheet.write_number(row, at, float(value), number))
