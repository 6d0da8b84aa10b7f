"""Folders to work in, given back when done; what a killed process left is cleared by the next."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import duckdb

from regulars.settings import settings
from regulars.sql import connect

LOCK = ".lock"
NAME = "batch-"


@contextmanager
def room() -> Iterator[Path]:
    """Yield an empty folder below the settings' temporary one; it is gone afterwards."""
    sweep()
    parent = settings().temp_directory
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=NAME, dir=parent))
    try:
        with (folder / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            (folder / "lock").rename(folder / LOCK)  # seen only once it is held
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database() -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Yield a `room` and a DuckDB that takes what the settings allow, and spills there."""
    with room() as folder, closing(connect(settings().memory_limit, settings().threads, folder / "spill")) as opened:
        yield folder, opened


def sweep() -> None:
    """Remove folders that nobody holds: Lambda may keep /tmp when it ends a process that ran out of time."""
    for lock in settings().temp_directory.glob(f"{NAME}*/{LOCK}"):
        with suppress(OSError), lock.open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while its process lives
            shutil.rmtree(lock.parent, ignore_errors=True)
