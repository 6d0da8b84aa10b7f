"""Limits of one function: a larger input is refused early, with advice, instead of being killed late."""

import gzip
import shutil
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb

from regulars.data.paths import exactly
from regulars.errors import SourceError
from regulars.ingest.reading.sources import PARQUET
from regulars.settings import settings

CHUNK = 1 << 20
DISK_FACTOR = 5
"""Disk needed, as a multiple of the input's size: the input, its rows, DuckDB's spill and the scores."""

ADVICE = (
    'for larger files use "regulars batch" on a machine, or "regulars batch s3://... --machine ARN", which starts the '
    "state machine; or split the file by customer"
)

SPLIT_ADVICE = (
    "the state machine reads any number of files, each within the limits of one function: split this one into several, "
    "by rows; or raise the limit and give the function more memory and disk"
)
"""The advice within the state machine, for a file."""

STEP_ADVICE = "or use smaller files and start it with more --buckets"
"""The advice within the state machine, for a step on a file or a bucket."""

DISK_FULL = f"the disk was full; give the function more EphemeralStorage; {ADVICE}"


class TooLargeError(SourceError):
    """An input exceeds a limit of one function."""

    status = 413


def check_size(name: object, size: int, folder: Path, advice: str = ADVICE) -> None:
    """Raise TooLargeError when `size` bytes exceed the setting, or need more disk than `folder` has free."""
    most = settings().max_input_bytes
    if size > most:
        raise TooLargeError(
            f"{name} has {size:,} bytes; one function takes at most {most:,} (REGULARS_MAX_INPUT_BYTES); {advice}"
        )
    free = shutil.disk_usage(folder).free
    if DISK_FACTOR * size > free:
        raise TooLargeError(
            f"{name} has {size:,} bytes and needs {DISK_FACTOR} times that on disk, where {free:,} are free; "
            f"give the function more EphemeralStorage; {advice}"
        )


def check_content(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[Path],
    check_time: Callable[[], None] = lambda: None,
    advice: str = ADVICE,
) -> None:
    """Raise TooLargeError when files exceed the settings once unpacked, or have too many columns."""
    bytes_left = settings().max_expanded_bytes
    for file in files:
        name = file.name.lower()
        if name.endswith(".gz"):
            bytes_left -= _gzip_size(file, bytes_left, check_time)
        elif name.endswith(PARQUET):
            bytes_left -= _parquet_size(connection, file)
        else:
            bytes_left -= file.stat().st_size
        if bytes_left < 0:
            raise TooLargeError(
                f"{file.name} has more than {settings().max_expanded_bytes:,} bytes when unpacked "
                f"(REGULARS_MAX_EXPANDED_BYTES); {advice}"
            )
        _check_columns(connection, file)


def _gzip_size(file: Path, bytes_left: int, check_time: Callable[[], None]) -> int:
    """Return a gzip file's unpacked size. Stop just above `bytes_left`: a small file may unpack to a huge one."""
    size = 0
    try:
        with gzip.open(file) as stream:
            while chunk := stream.read(CHUNK):
                check_time()
                size += len(chunk)
                if size > bytes_left:
                    break
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{file.name} is not a complete gzip file: {error}; export it again") from error
    return size


def _parquet_size(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    query = f"select coalesce(sum(total_uncompressed_size), 0) from parquet_metadata({exactly(file)})"
    try:
        [(size,)] = connection.execute(query).fetchall()
    except duckdb.Error:
        return 0  # not Parquet: ingest will say what is wrong
    return int(size)


def _check_columns(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    most = settings().max_columns
    columns = _columns(connection, file)
    if columns > most:
        raise TooLargeError(
            f"{file.name} has {columns:,} columns; at most {most:,} are read (REGULARS_MAX_COLUMNS); "
            "export only the needed ones"
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
    return max(first.count(delimiter) for delimiter in (b",", b";", b"\t", b"|")) + 1
