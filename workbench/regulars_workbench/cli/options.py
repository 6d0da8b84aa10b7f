"""What several commands share: their arguments, where the SQL lies, and how DuckDB is opened."""

import os
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated

import duckdb
import typer

from regulars.data.sql import connect
from regulars_workbench.resources import resource

SQL = resource("sql")

Lake = Annotated[Path, typer.Argument(help="folder made by ingest or simulate")]
AsOf = Annotated[str, typer.Option(help="date or timestamp (UTC) at which to look; nothing at or after it is seen")]
BundleFolder = Annotated[Path, typer.Option(help="folder made by train")]
MemoryLimit = Annotated[str, typer.Option(help="what DuckDB may take before it spills to disk")]


def connected(memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB on every core, which spills to the system's temporary folder."""
    return connect(memory_limit, os.cpu_count() or 1, Path(gettempdir()) / "regulars")
