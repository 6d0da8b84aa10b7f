"""What one function takes: refused early and by name, with the way out, instead of being killed late."""

import gzip
import shutil
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb

from regulars.data.paths import exactly
from regulars.errors import SourceError
from regulars.ingest.sources import PARQUET
from regulars.settings import settings

CHUNK = 1 << 20
DISK_FACTOR = 5
"""Times the size of an input that its rows on the way to scores, its spill and its scores may take beside it."""

ADVICE = (
    'for larger ones use "regulars batch" on a machine, or "regulars batch s3://... --machine ARN", which starts the '
    "state machine; or split the file by customer"
)

SPLIT_ADVICE = (
    "the state machine takes any number of files, each within what one function takes: split this one into several, by "
    "rows; or raise the limit and give the function more memory and disk"
)
"""The way out where ADVICE has been taken."""

STEP_ADVICE = "or bring smaller files and start it with more --buckets"
"""The same, for a step that may be of a file or of a bucket."""

DISK_FULL = f"the disk was full; give the function more EphemeralStorage; {ADVICE}"


class TooLargeError(SourceError):
    """An input is larger than one function takes."""

    status = 413


def check_size(name: object, size: int, folder: Path, advice: str = ADVICE) -> None:
    """Raise TooLargeError before anything is fetched: `size` bytes against the setting and the disk of `folder`."""
    most = settings().max_input_bytes
    if size > most:
        raise TooLargeError(
            f"{name} has {size:,} bytes; one function takes {most:,} (REGULARS_MAX_INPUT_BYTES); {advice}"
        )
    free = shutil.disk_usage(folder).free
    if DISK_FACTOR * size > free:
        raise TooLargeError(
            f"{name} has {size:,} bytes and {DISK_FACTOR} times that is needed on disk, where {free:,} are free; "
            f"give the function more EphemeralStorage; {advice}"
        )


def check_content(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[Path],
    check_time: Callable[[], None] = lambda: None,
    advice: str = ADVICE,
) -> None:
    """Raise TooLargeError for files that grow beyond the settings when they are read, or have too many columns."""
    bytes_left = settings().max_expanded_bytes
    for file in files:
        name = file.name.lower()
        if name.endswith(".gz"):
            bytes_left -= _unpacked(file, bytes_left, check_time)
        elif name.endswith(PARQUET):
            bytes_left -= _parquet(connection, file)
        else:
            bytes_left -= file.stat().st_size
        if bytes_left < 0:
            raise TooLargeError(
                f"{file.name} grows beyond {settings().max_expanded_bytes:,} bytes when it is unpacked "
                f"(REGULARS_MAX_EXPANDED_BYTES); {advice}"
            )
        _check_columns(connection, file)


def _unpacked(file: Path, bytes_left: int, check_time: Callable[[], None]) -> int:
    """Count the bytes in a gzip file, up to just above `bytes_left`: a small file may hold a mountain of zeros."""
    size = 0
    try:
        with gzip.open(file) as stream:
            while chunk := stream.read(CHUNK):
                check_time()
                size += len(chunk)
                if size > bytes_left:
                    break
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{file.name} is no whole gzip file: {error}; export it again") from error
    return size


def _parquet(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    query = f"select coalesce(sum(total_uncompressed_size), 0) from parquet_metadata({exactly(file)})"
    try:
        [(size,)] = connection.execute(query).fetchall()
    except duckdb.Error:
        return 0  # no Parquet at all: ingest says what is wrong with it
    return int(size)


def _check_columns(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    most = settings().max_columns
    found = _columns(connection, file)
    if found > most:
        raise TooLargeError(
            f"{file.name} has {found:,} columns; at most {most:,} are read (REGULARS_MAX_COLUMNS); "
            "export the ones that matter"
        )


def _columns(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    if file.name.lower().endswith(PARQUET):
        query = f"select count(*) from parquet_schema({exactly(file)}) where num_children is null or num_children = 0"
        try:
            return int(connection.execute(query).fetchall()[0][0])
        except duckdb.Error:
            return 0
    with gzip.open(file) if file.name.lower().endswith(".gz") else file.open("rb") as stream:
        first = stream.readline(CHUNK)
    return max(first.count(each) for each in (b",", b";", b"\t", b"|")) + 1
