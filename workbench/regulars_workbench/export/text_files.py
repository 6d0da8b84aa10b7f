"""CSV and JSON: a file for each group, written by DuckDB; all of them appear together."""

import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import duckdb

from regulars.data.atomic_files import atomic_file
from regulars.data.sql import literal
from regulars_workbench.export.columns import TEXTS, Column
from regulars_workbench.export.names import file_words
from regulars_workbench.export.rows import Group

FORMULA = r"^[\s\x00]*[=+\-@＝＋－＠]|^[\t\r\n\x00]"  # noqa: RUF001 - some spreadsheets take the wide signs, too
"""Texts that a spreadsheet may run when it opens a CSV file (OWASP, CSV Injection)."""
APOSTROPHE = "'"
FORMATS = {".csv": "format csv, header", ".json": "format json, array true", ".jsonl": "format json"}


def file_paths(path: Path, groups: Iterable[Group]) -> list[Path]:
    """Return each group's file: `path` itself for customers without actions, else names like it."""
    suffixes = [group.suffix for group in groups]
    words = iter(file_words(suffix for suffix in suffixes if suffix))
    return [path.with_name(f"{path.stem}-{next(words)}{path.suffix}") if suffix else path for suffix in suffixes]


def older_files(path: Path, written: Iterable[Path]) -> list[Path]:
    """Return files beside `path` that look like an earlier export's, and are not of this one."""
    fresh = {file.name for file in written}
    named = re.compile(rf"{re.escape(path.stem)}(-[\w-]+)?{re.escape(path.suffix)}")
    folder = path.parent
    return sorted(file for file in folder.iterdir() if named.fullmatch(file.name) and file.name not in fresh)


def write_files(connection: duckdb.DuckDBPyConnection, groups: list[Group], paths: list[Path], ending: str) -> None:
    """Write each group to its path; nothing is replaced before all are written."""
    with ExitStack() as files:
        for group, path in zip(groups, paths, strict=True):
            partial = files.enter_context(atomic_file(path))
            query = group.query(_harmless) if ending == ".csv" else group.query()
            connection.execute(f"copy ({query}) to {literal(str(partial))} ({FORMATS[ending]})")


def _harmless(column: Column) -> str:
    """Return the SQL of a column, with an apostrophe before texts that a spreadsheet would take for formulas."""
    name = column.name
    if column.kind not in TEXTS:
        return name
    return f"if(regexp_matches({name}, {literal(FORMULA)}), concat({literal(APOSTROPHE)}, {name}), {name})"
