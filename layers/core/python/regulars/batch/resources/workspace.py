"""Folders to work in, given back when done; what a killed process left is cleared by the next."""

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import duckdb

from regulars.batch.resources.limits import DISK_FULL, TooLargeError
from regulars.data.sql import connect
from regulars.errors import RegularsError
from regulars.ingest.faults import of_full_disk
from regulars.settings import settings

LOCK = ".lock"
NAME = "batch-"


@contextmanager
def workspace(of: object = "the input") -> Iterator[Path]:
    """Yield an empty folder below the settings' temporary one; it is gone afterwards, and no error speaks of it.

    What was fetched to in/ (or in/<number>/) and map/ is called by its name, all else by the name of what it is `of`.
    TooLargeError when the disk was full.
    """
    sweep()
    parent = settings().temp_directory
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=NAME, dir=parent))
    try:
        with _held(folder):
            yield folder
    except Exception as error:
        if of_full_disk(error):
            raise TooLargeError(DISK_FULL) from error
        if isinstance(error, RegularsError):
            error.args = (_outside(str(error), folder, of),)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(of: object = "the input") -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Yield a `room` and a DuckDB that takes what the settings allow, and spills there."""
    limit, threads = settings().memory_limit, settings().threads
    with workspace(of) as folder, closing(connect(limit, threads, folder / "spill")) as opened:
        yield folder, opened


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        (folder / "lock").rename(folder / LOCK)  # seen only once it is held
        yield


def _outside(text: str, folder: Path, of: object) -> str:
    here = re.escape(str(folder))
    text = re.sub(rf"{here}/(?:map|in(?:/\d+)?)/", "", text)
    return re.sub(rf"{here}[\w./=-]*", lambda _: str(of), text)


def sweep() -> None:
    """Remove folders that nobody holds: Lambda may keep /tmp when it ends a process that ran out of time."""
    for lock in settings().temp_directory.glob(f"{NAME}*/{LOCK}"):
        with suppress(OSError), lock.open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while its process lives
            shutil.rmtree(lock.parent, ignore_errors=True)
