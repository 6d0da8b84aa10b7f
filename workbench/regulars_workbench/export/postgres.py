"""A table of PostgreSQL: all customers inserted or updated in one transaction, as Arrow by ADBC."""

import os
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from regulars.data.sql import literal
from regulars.errors import SourceError
from regulars_workbench.export.columns import COLUMNS, Column
from regulars_workbench.export.destinations import Table
from regulars_workbench.export.rows import TABLE

TYPES = {
    "money": "numeric",
    "share": "numeric",
    "number": "numeric",
    "count": "integer",
    "day": "date",
    "instant": "timestamptz",
}
"""PostgreSQL's types of the kinds of columns; others are text."""
KEY = "customer_id"
STAGING = "regulars_export"
BATCH = 50_000
"""Rows of a batch on their way to the database."""


@dataclass(frozen=True)
class Upserted:
    """Customers that the table did not have, and those that it had."""

    inserted: int
    updated: int


def read_password(file: Path | None) -> str | None:
    """Return the password in a file, or else in PGPASSWORD; None leaves it to libpq (~/.pgpass)."""
    if file is None:
        return os.environ.get("PGPASSWORD")
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file} cannot be read as a password file; name a text file") from error


def connect(table: Table, password: str | None) -> Any:  # noqa: ANN401 - the driver has no types
    """Open the database of a table; SourceError when the driver is missing or the server refuses."""
    try:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - an extra that only this command needs
    except ImportError as error:
        raise SourceError(
            "PostgreSQL needs the extra postgres; install it: pip install 'regulars[postgres]'"
        ) from error
    settings = {"application_name": "regulars", **table.settings} | ({"password": password} if password else {})
    try:
        return dbapi.connect(" ".join(f"{name}={_quoted(value)}" for name, value in settings.items()))
    except dbapi.Error as error:
        raise SourceError(f"{table.shown} cannot be reached: {_message(error, password)}") from error


def upsert(
    connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...], table: Table, password: str | None
) -> Upserted:
    """Insert or update every row of `rows_to_export` by customer_id; make the table when it is absent.

    All or nothing. Columns that are not in this export keep what they hold. SourceError names what the server refuses.
    """
    with closing(connect(table, password)) as database:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - as above

        try:
            with database.cursor() as cursor:
                done = _upserted(connection, cursor, columns, table)
            database.commit()
        except dbapi.Error as error:
            database.rollback()
            raise SourceError(f"{table.shown} is unchanged: {_message(error, password)}") from error
    return done


def _upserted(
    connection: duckdb.DuckDBPyConnection,
    cursor: Any,  # noqa: ANN401 - the driver's cursor
    columns: tuple[Column, ...],
    table: Table,
) -> Upserted:
    target = f"{_name(table.schema)}.{_name(table.name)}" if table.schema else _name(table.name)
    cursor.execute(f"select to_regclass({literal(target)}) is null")
    if cursor.fetchone()[
        0
    ]:  # not `if not exists`: PostgreSQL then asks for the right to make tables even if it is there
        cursor.execute(f"create table {target} ({', '.join(map(_definition, COLUMNS))})")
    names = [column.name for column in columns]
    selected = ", ".join(f"cast({_name(column.name)} as {_type(column)})" for column in columns)
    rows = connection.sql(f"select {', '.join(names)} from {TABLE}").to_arrow_reader(BATCH)
    cursor.adbc_ingest(STAGING, rows, mode="create", temporary=True)
    cursor.execute(f"select count(*) from pg_temp.{STAGING} s join {target} t using ({KEY})")
    (updated,) = cursor.fetchone()
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name != KEY)
    # In the order of ids, so that two exports at once wait for each other and do not lock each other out.
    cursor.execute(
        f"insert into {target} ({', '.join(names)}) select {selected} from pg_temp.{STAGING} order by {KEY} "
        f"on conflict ({KEY}) do update set {changes}"
    )
    cursor.execute(f"select count(*) from pg_temp.{STAGING}")
    (count,) = cursor.fetchone()
    return Upserted(count - updated, updated)


def _definition(column: Column) -> str:
    return f"{_name(column.name)} {_type(column)}{' primary key' if column.name == KEY else ''}"


def _type(column: Column) -> str:
    return TYPES.get(column.kind, "text")


def _name(name: str | None) -> str:
    return '"' + str(name).replace('"', '""') + '"'


def _quoted(value: str) -> str:
    """Quote a value of libpq's connection string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _message(error: Exception, password: str | None) -> str:
    """Return the server's own line, without the password, and the next step where it is known."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = next((line for line in lines if "ERROR:" in line), lines[0])
    message = re.sub(r"^.*?(ERROR:|Failed to connect:)\s*", "", line)
    message = message.replace(password, "***") if password else message
    if "no unique or exclusion constraint" in message:
        return f"{message}; add one: alter table ... add primary key ({KEY})"
    if "does not exist" in message and message.startswith("column"):
        return f"{message}; add the column, or name a new table"
    return message
