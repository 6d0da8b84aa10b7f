"""The counts that a check reads: the relations of sql/check/, each made once, when first asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl

from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder

EPOCH = date(1970, 1, 1)
TYPES = {
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int64,
    "DOUBLE": pl.Float64,
    "VARCHAR": pl.String,
    "BOOLEAN": pl.Boolean,
    "TIMESTAMP": pl.Datetime,
}
"""What the relations hold: an empty one has types, too."""


def day(number: int) -> date:
    """Return the date of a day counted from 1970-01-01."""
    return EPOCH + timedelta(days=number)


def midnight(number: int) -> datetime:
    """Return the instant (UTC) at which a day counted from 1970-01-01 begins."""
    return datetime.combine(day(number), datetime.min.time(), UTC)


@dataclass
class Counts:
    """Relations over an attached lake; `params`, which the files bind, are set before what needs them is asked for."""

    connection: duckdb.DuckDBPyConnection
    sql: SqlFolder
    params: dict[str, Any] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None
    _made: set[str] = field(default_factory=set)

    def frame(self, name: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Return a relation's rows; with `params` of its own it is made anew."""
        self._make(name, params)
        fetched = self.connection.execute(f"select * from {name} order by all")
        schema = {str(column[0]): TYPES[str(column[1])] for column in fetched.description or ()}
        return pl.DataFrame(fetched.fetchall(), schema=schema, orient="row")

    def row(self, name: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the one row of a relation that has one."""
        return self.frame(name, params).row(0, named=True)

    def _make(self, name: str, params: Mapping[str, Any] | None) -> None:
        if name in self._made and params is None:
            return
        for read in self.sql.relations[name].reads:
            if read not in TABLES:
                self._make(read, None)
        self.tell(name.replace("_", " "))
        self.sql.materialise(self.connection, [name], self.params | dict(params or {}))
        self._made.add(name)


def sales(days: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `order_days` that are orders; a null flag is neither order nor return."""
    return days.filter(~pl.col("is_return"))


def total(frame: pl.DataFrame, column: str) -> int:
    """Add up a column of integers: 0 over no rows, nulls left out."""
    return int(frame[column].sum() or 0)
