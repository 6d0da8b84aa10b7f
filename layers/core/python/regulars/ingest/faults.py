"""Whose fault an error is: the file's, the map's, the disk's, or nobody's, when the user stopped the work."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from regulars.errors import LakeError, MapError
from regulars.expressions.compiler import quoted
from regulars.ingest.reading.open_file import OpenFile, first_line, unreadable
from regulars.ingest.reading.sources import SourceFile

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class MapExpression:
    """One expression of the map: the key and text as the user wrote them, and the SQL that runs."""

    where: str
    sql: str


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Say what stopped the work that is no fault of its input: LakeError for a full disk, or the user's own Ctrl-C."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except RuntimeError as error:
        # What DuckDB makes of a Ctrl-C during a query: it swallows the KeyboardInterrupt.
        if "Query interrupted" in str(error):
            raise KeyboardInterrupt from error
        raise
    except (OSError, duckdb.IOException) as error:
        if not is_full(error):
            raise
        raise LakeError(f"no space left on the disk of {out}; free some, or write elsewhere") from error


def is_full(error: Exception) -> bool:
    """Say whether a disk had no room for what was written."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return isinstance(error, duckdb.IOException) and ("No space left" in str(error) or "quota exceeded" in str(error))


def of_full_disk(error: BaseException) -> bool:
    """Say whether an error, or what it was raised from, is a full disk's."""
    return any(isinstance(each, Exception) and is_full(each) for each in (error, error.__cause__))


def blame(
    session: duckdb.DuckDBPyConnection,
    file: SourceFile,
    opened: OpenFile,
    expressions: Sequence[MapExpression],
    error: duckdb.Error,
) -> Exception:
    """Find out what made the reading of a file through the map fail.

    By reading again, the file alone and then with one expression at a time: slow, but only on the way out.
    """
    if isinstance(error, duckdb.OutOfMemoryException | duckdb.InterruptException) or is_full(error):
        return error
    whole = ", ".join(map(quoted, opened.source.columns))
    if (found := _error(session, f"hash({whole})", opened)) is not None:
        return unreadable(file, found)
    for expression in expressions:
        if (found := _error(session, f"hash({expression.sql})", opened)) is not None:
            return MapError(f"{expression.where} does not work on the cells of {file.name}: {first_line(found)}")
    return unreadable(file, error)


def _error(session: duckdb.DuckDBPyConnection, value: str, opened: OpenFile) -> duckdb.Error | None:
    """Return what happens when `value` is worked out for every row; of a hash DuckDB can leave nothing out."""
    try:
        session.execute(f"select max({value}) from ({opened.sql})").fetchall()
    except duckdb.Error as error:
        return error
    return None
