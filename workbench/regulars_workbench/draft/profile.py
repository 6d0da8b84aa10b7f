"""What each column of a file's beginning holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from regulars.expressions.compiler import quoted
from regulars.ingest.reading.open_file import OpenFile
from regulars.ingest.values import times
from regulars.ingest.values.numbers import looks_like_number
from regulars.ingest.values.times import BOUNDS, TimeColumn

HEAD = "draft_head"
"""The temporary table of the rows that are looked at."""

LOOKED_AT = 20_000
"""Rows of a file that the guesses rest on."""

EXAMPLES = 3
FEW = 50
"""Up to so many distinct values are counted by value."""


@dataclass(frozen=True)
class Column:
    """One column: how many cells are filled, distinct, negative, and which shares of the filled parse."""

    name: str
    rows: int
    filled: int
    distinct: int
    numbers: float
    negative: int
    decimals: float
    """Share of the filled cells with a fraction."""

    times: float
    examples: tuple[str, ...]
    values: tuple[tuple[str, int], ...]
    """The distinct values with their numbers of rows, most frequent first, where there are few; else nothing."""

    @property
    def fill(self) -> float:
        """Share of the rows in which the cell is filled."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def evidence(self) -> str:
        """The column in words."""
        parts = [f"{self.fill:.0%} filled", f"{self.distinct:,} distinct"]
        parts += [f"{self.times:.0%} times"] if self.times else []
        parts += [f"{self.numbers:.0%} numbers"] if self.numbers else []
        parts += [f"{self.negative:,} negative"] if self.negative else []
        return f"{', '.join(parts)}; such as {', '.join(self.examples) or 'nothing'}"


def load_head(session: duckdb.DuckDBPyConnection, file: OpenFile) -> None:
    """Load the file's first rows into the table HEAD, all columns as text."""
    texts = ", ".join(f"nullif(trim(cast({quoted(name)} as varchar)), '') as {quoted(name)}" for name in names(file))
    session.execute(f"create or replace temp table {HEAD} as select {texts} from ({file.sql}) limit {LOOKED_AT}")


def names(file: OpenFile) -> list[str]:
    """Return the file's columns."""
    return list(file.source.columns)


def profile(session: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> list[Column]:
    """Profile the columns of the table HEAD."""
    return [_column(session, name) for name in columns]


def _column(session: duckdb.DuckDBPyConnection, name: str) -> Column:
    cell = quoted(name)
    number = looks_like_number(cell)
    [(rows, filled, distinct, numbers, negative, decimals)] = session.execute(
        f"select count(*), count({cell}), count(distinct {cell}), count(*) filter ({number}), "
        f"count(*) filter ({number} and regexp_matches({cell}, '^[^0-9]*[-\u2212(]|-$')), "
        f"count(*) filter ({number} and regexp_matches({cell}, '\\d[.,]\\d{{1,2}}\\D*$')) from {HEAD}"
    ).fetchall()
    examples = session.execute(
        f"select {cell} from {HEAD} where {cell} is not null group by all order by count(*) desc, 1 limit {FEW}"
    ).fetchall()
    values = session.execute(
        f"select {cell}, count(*) from {HEAD} where {cell} is not null group by all order by 2 desc, 1 limit {FEW}"
    ).fetchall()
    share = max(filled, 1)
    return Column(
        name=name,
        rows=rows,
        filled=filled,
        distinct=distinct,
        numbers=numbers / share,
        negative=negative,
        decimals=decimals / share,
        times=_times(session, name) / share if filled and distinct > 1 else 0.0,
        examples=tuple(row[0] for row in examples[:EXAMPLES]),
        values=tuple((row[0], row[1]) for row in values) if distinct < FEW else (),
    )


def _times(session: duckdb.DuckDBPyConnection, name: str) -> int:
    """Count the cells that some rule reads as a time; plain numbers are none."""
    seen = TimeColumn(name)
    times.look(session, seen, quoted(name), HEAD)
    fits = [count for rule, count in seen.fits.items() if rule not in BOUNDS and rule != "%Y%m%d"]
    return max([seen.iso, *fits])
