"""Checks before a run: OUT may be replaced, and a lake has all of its rows."""

from pathlib import Path

import duckdb

from regulars.batch.pipeline import rows_in
from regulars.batch.storage.store import MANIFEST
from regulars.data.atomic_files import refuse_foreign
from regulars.data.lake import DAMAGED, check_rows, read_info
from regulars.data.schema import FEATURED
from regulars.errors import LakeError, SourceError
from regulars_workbench.batch.source import Source


def check_out(source: Source, bundle: Path, out: Path) -> None:
    """Raise SourceError when OUT is not a result of this command, is inside the source, or contains an input."""
    refuse_foreign(out, MANIFEST)
    path = source.path.resolve()
    if out.is_relative_to(path):
        raise SourceError(f"--out {out} lies inside {path}, which is read; name a folder elsewhere")
    for needed in (source.path, *source.files, bundle, *filter(None, [source.map])):
        if needed.resolve().is_relative_to(out):
            raise SourceError(f"{needed} lies inside --out {out}, which is replaced; name a folder elsewhere")


def check_whole(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Raise LakeError when a lake has fewer or more rows than its lake.json says."""
    info = read_info(lake)
    for table in FEATURED:
        files = sorted((lake / table).glob("**/*.parquet"))
        try:
            rows = rows_in(connection, *files) if files else 0
        except DAMAGED as error:
            raise LakeError(f"{lake / table} has a file that is damaged or not a Parquet file; ingest again") from error
        check_rows(table, rows, info, lake)
