"""Paths in DuckDB's SQL: every path it reads is a glob to it, so that `orders[1].csv` would read `orders1.csv`."""

import re
from collections.abc import Iterable
from pathlib import Path

GLOB = re.compile(r"[*?\[]")


def exactly(path: Path) -> str:
    """Return the SQL string by which DuckDB's readers take this one file, whatever characters its path has."""
    # A class of one character is the only escape that DuckDB's globs know.
    return "'" + GLOB.sub(r"[\g<0>]", str(path)).replace("'", "''") + "'"


def parquet(files: Iterable[Path]) -> str:
    """Return the SQL that reads these Parquet files as one relation, united by column name.

    Folders called `column=value` say nothing here: they are the user's own, not partitions.
    """
    listed = ", ".join(map(exactly, files))
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
