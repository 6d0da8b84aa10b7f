"""Temporary folders: removed after use, and by the next process when theirs was killed."""

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
def workspace(name: object = "the input") -> Iterator[Path]:
    """Yield an empty folder in the temporary directory, and remove it afterwards.

    Error messages do not show its path: files in in/, in/<number>/ and map/ appear by their file names, all else as
    `name`. TooLargeError when the disk is full.
    """
    sweep()
    parent = settings().temp_directory
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=NAME, dir=parent))
    try:
        with _locked(folder):
            yield folder
    except Exception as error:
        if of_full_disk(error):
            raise TooLargeError(DISK_FULL) from error
        if isinstance(error, RegularsError):
            error.args = (_without_path(str(error), folder, name),)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(name: object = "the input") -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Yield a `workspace`, and a DuckDB connection with the settings' limits that spills there."""
    limit, threads = settings().memory_limit, settings().threads
    with workspace(name) as folder, closing(connect(limit, threads, folder / "spill")) as connection:
        yield folder, connection


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        (folder / "lock").rename(folder / LOCK)  # `sweep` sees only locks that are held
        yield


def _without_path(text: str, folder: Path, name: object) -> str:
    here = re.escape(str(folder))
    text = re.sub(rf"{here}/(?:map|in(?:/\d+)?)/", "", text)
    return re.sub(rf"{here}[\w./=-]*", lambda _: str(name), text)


def sweep() -> None:
    """Remove folders of ended processes: Lambda may keep /tmp after it kills one."""
    for lock in settings().temp_directory.glob(f"{NAME}*/{LOCK}"):
        with suppress(OSError), lock.open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while its process lives
            shutil.rmtree(lock.parent, ignore_errors=True)
