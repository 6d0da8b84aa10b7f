"""Paths in DuckDB's SQL. DuckDB takes every path as a glob: `orders[1].csv` would read `orders1.csv`."""

import re
from collections.abc import Iterable
from pathlib import Path

GLOB = re.compile(r"[*?\[]")


def exactly(path: Path) -> str:
    """Return the SQL string with which DuckDB reads exactly this file, whatever characters its path has."""
    # DuckDB's globs have no other escape than a class of one character.
    return "'" + GLOB.sub(r"[\g<0>]", str(path)).replace("'", "''") + "'"


def parquet(files: Iterable[Path]) -> str:
    """Return the SQL that reads these Parquet files as one relation, united by column name.

    Folders called `column=value` add no column: they are the user's own, not partitions.
    """
    listed = ", ".join(map(exactly, files))
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
