"""A DuckDB session that reads a user's files: in the map's time zone, rows in the order in which they stand."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from regulars.data.sql import connect
from regulars.errors import MapError
from regulars.text import near, short


@contextmanager
def ingesting(
    connection: duckdb.DuckDBPyConnection | None, timezone: str, staging: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a session in the map's time zone that keeps rows in order: a row's number is its place in the file.

    It is the given connection itself, so that whoever gave it can interrupt it. MapError for an unknown time zone.
    """
    own = connection or connect(threads=os.cpu_count() or 1, temp_directory=staging / "spill")
    settings = "select current_setting('preserve_insertion_order'), current_setting('timezone')"
    [(kept, zone)] = own.execute(settings).fetchall()
    try:
        own.execute("set preserve_insertion_order = true")
        _set_timezone(own, timezone)
        yield own
    finally:
        own.execute(f"set preserve_insertion_order = {kept}")
        own.execute(f"set timezone = '{zone}'")
        if connection is None:
            own.close()


def _set_timezone(session: duckdb.DuckDBPyConnection, timezone: str) -> None:
    zones = [row[0] for row in session.execute("select name from pg_timezone_names() order by name").fetchall()]
    if timezone not in zones:
        hint = near(timezone, zones).partition("there are")[0] or "write an IANA name such as Europe/London"
        raise MapError(f'timezone = "{short(timezone)}" is unknown; {hint.strip()}')
    session.execute(f"set timezone = '{timezone}'")
