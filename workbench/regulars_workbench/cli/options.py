"""Shared by several commands: arguments, the SQL folder, and the DuckDB connection."""

import os
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated

import duckdb
import typer

from regulars.data.sql import connect
from regulars.errors import SourceError
from regulars_workbench.resources import resource

SQL = resource("sql")

Lake = Annotated[Path, typer.Argument(help="lake folder made by ingest or simulate")]
AsOf = Annotated[str, typer.Option(help="date or timestamp (UTC), such as 2026-07-01; only rows before it are used")]
BundleFolder = Annotated[Path, typer.Option(help="bundle folder made by train")]
MemoryLimit = Annotated[str, typer.Option(help="memory that DuckDB may use before it spills to disk")]


def refuse_ending(out: Path, *endings: str) -> None:
    """Refuse a file to write whose name promises another format, before anything is computed: SourceError."""
    if out.suffix and out.suffix.lower() not in endings:
        raise SourceError(
            f"--out {out}: the file is written as {' or '.join(endings)}, so its name must end so; "
            "for workbooks and other forms there is regulars export"
        )


def connected(memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open DuckDB with a thread for each core. It spills to the system's temporary folder."""
    return connect(memory_limit, os.cpu_count() or 1, Path(gettempdir()) / "regulars")
