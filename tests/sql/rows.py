"""Given rows: relations from only the columns that matter; other columns are null."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from regulars.data.lake import view
from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder
from regulars.features.cut_points import CUT_POINTS, HISTOGRAM
from regulars.features.relations import APPLIED, BASE, RFM
from regulars.instants import as_of_params

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
LABEL_END = AS_OF + timedelta(days=90)
TICK = timedelta(microseconds=1)
RELATIONS = (*BASE, RFM, HISTOGRAM, CUT_POINTS, *APPLIED)
PARAMS = as_of_params(AS_OF) | {"label_end": as_of_params(LABEL_END)["as_of"]}

Row = dict[str, Any]


def before(days: float, ticks: int = 0) -> datetime:
    """Return the instant so many days before AS_OF, moved by microseconds, as the lake keeps it."""
    return (AS_OF - timedelta(days=days) + ticks * TICK).replace(tzinfo=None)


def order(days: float = 10, cents: int = 1000, customer: str = "c", ticks: int = 0, **more: object) -> Row:
    """Return an order so many days before AS_OF; a negative value is a return."""
    moment = before(days, ticks)
    number = f"{customer}@{moment.isoformat()}"
    return {"customer_id": customer, "order_id": number, "ordered_at": moment, "order_value_cents": cents} | {
        "is_return": cents < 0,
        **more,
    }


def event(days: float, kind: str, customer: str = "c", ticks: int = 0) -> Row:
    """Return an event so many days before AS_OF."""
    return {"customer_id": customer, "occurred_at": before(days, ticks), "kind": kind}


def create_contract(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the contract's tables, empty."""
    for table in TABLES.values():
        columns = ", ".join(f"{column.lake_name} {column.lake_type}" for column in table.columns)
        connection.execute(f"create or replace temp table given_{table.name} ({columns})")
        view(connection, table, f"given_{table.name}")


def create(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> None:
    """Make every relation of the feature pipeline as an empty table."""
    create_contract(connection)
    sql.materialise(connection, RELATIONS, PARAMS)


def clear(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete all rows of all relations."""
    for name in (*(f"given_{name}" for name in TABLES), *RELATIONS):
        connection.execute(f"delete from {name}")


def given(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Row]) -> None:
    """Replace the relation's rows; a contract table is read through the lake's view."""
    target = f"given_{name}" if name in TABLES else name
    connection.execute(f"delete from {target}")
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into {target} ({', '.join(row)}) values ({marks})", list(row.values()))


def run_sql(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Run one SQL file and return the named columns of its rows, sorted."""
    sql.materialise(connection, [name], PARAMS)
    return connection.execute(f"select {', '.join(columns)} from {name} order by all").fetchall()
