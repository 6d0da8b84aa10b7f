"""The relations of sql/check/ that a check reads. Each is made once, at first use."""

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
"""Types of the relations' columns, so that an empty relation has them too."""


def day(number: int) -> date:
    """Return the date of a day counted from 1970-01-01."""
    return EPOCH + timedelta(days=number)


def midnight(number: int) -> datetime:
    """Return the instant (UTC) at which a day counted from 1970-01-01 begins."""
    return datetime.combine(day(number), datetime.min.time(), UTC)


@dataclass
class Counts:
    """Relations over an attached lake. Set `params`, which the SQL binds, before reading a relation that needs them."""

    connection: duckdb.DuckDBPyConnection
    sql: SqlFolder
    params: dict[str, Any] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None
    _made: set[str] = field(default_factory=set)

    def frame(self, name: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Return a relation's rows. With `params` it is made again."""
        self._make(name, params)
        fetched = self.connection.execute(f"select * from {name} order by all")
        schema = {str(column[0]): TYPES[str(column[1])] for column in fetched.description or ()}
        return pl.DataFrame(fetched.fetchall(), schema=schema, orient="row")

    def row(self, name: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the row of a relation with one row."""
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
    """Return the rows of `order_days` that are orders. Rows without a flag are neither orders nor returns."""
    return days.filter(~pl.col("is_return"))


def total(frame: pl.DataFrame, column: str) -> int:
    """Return the sum of a column of integers, without nulls; 0 for no rows."""
    return int(frame[column].sum() or 0)
