"""The lake: a folder of Parquet tables in contract form, and the views through which SQL reads them.

    LAKE/lake.json               currency, and rows and times of each table
    LAKE/orders/*.parquet        likewise customers/, events/, treatments/ where the user has them
    LAKE/rejects/<table>.parquet each rejected row with its reason
    LAKE/truth/                  simulated lakes only: what only the simulator knows; refused here, no model may see it

A view has every contract column under its lake name, null where the user has none. Its time column also comes as two
integers, with which the SQL files compute: `<time>_s`, seconds since 1970, and `<time>_day`, days since 1970-01-01.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from regulars.data.paths import parquet
from regulars.data.schema import TABLES, Table
from regulars.errors import LakeError

MARKER = "lake.json"
DAMAGED = (duckdb.IOException, duckdb.InvalidInputException)
"""DuckDB's errors for a file that is not a complete Parquet file."""
TRUTH, HIDDEN = "truth", "true_"
"""The folder of a simulated lake's truth, and the prefix of its columns."""


class TableInfo(BaseModel):
    """One table in lake.json: rows, first and last instant (UTC, null when empty)."""

    rows: int
    first: datetime | None = None
    last: datetime | None = None


class LakeInfo(BaseModel):
    """The content of lake.json."""

    model_config = ConfigDict(extra="forbid")

    format: int = 1
    currency: str
    minor_units: int
    tables: dict[str, TableInfo]


def read_info(lake: Path) -> LakeInfo:
    """Read lake.json; LakeError when the folder is not a finished lake."""
    file = lake / MARKER
    if TRUTH in (lake.name, lake.resolve().name) or lake.resolve().parent.name == TRUTH:
        raise LakeError(
            f"{lake} is the truth of a simulated world, which no model may see; name the lake that holds it"
        )
    if not file.exists():
        raise LakeError(
            f'no lake at {lake}: {MARKER} is missing; make one with "regulars ingest" or "regulars simulate"'
        )
    try:
        return LakeInfo.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise LakeError(f"{file} is not readable as a lake's description; ingest again") from error


def attach(connection: duckdb.DuckDBPyConnection, lake: Path) -> LakeInfo:
    """Create the views orders, customers, events and treatments over the lake's Parquet files.

    LakeError when a file cannot be read, a column is missing, or customers repeats a customer_id.
    """
    info = read_info(lake)
    for table in TABLES.values():
        files = _files(lake, table)
        if files:
            try:
                view(connection, table, parquet(files), str(lake / table.name))
            except DAMAGED as error:
                raise _damaged(connection, files, error) from error
        elif table.name == "orders":
            raise LakeError(f"{lake / table.name} has no Parquet file; ingest again")
        else:
            view(connection, table, None)
    _refuse_repeated(connection, lake)
    return info


def _damaged(connection: duckdb.DuckDBPyConnection, files: list[Path], error: duckdb.Error) -> LakeError:
    """Return an error that names the damaged file, found by its footer; other damage shows when rows are read."""
    for file in files:
        try:
            connection.execute(f"describe select * from {parquet([file])}").fetchall()
        except DAMAGED:
            return LakeError(
                f"{file} is damaged or not a Parquet file; remove it if it is not the lake's, or ingest again"
            )
    return LakeError(f"{files[0].parent} is not readable: {str(error).splitlines()[0]}; ingest again")


def _refuse_repeated(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Raise LakeError when a customer has two rows, which would give two rows of features and two scores.

    A million customers take 0.2 s and 100 MB.
    """
    query = "select count(customer_id) - count(distinct customer_id) from customers"
    try:
        [(repeated,)] = connection.execute(query).fetchall()
    except DAMAGED as error:
        raise LakeError(f"{lake / 'customers'} is damaged; ingest again") from error
    if repeated:
        rows = "1 row" if repeated == 1 else f"{repeated} rows"
        raise LakeError(
            f"{lake / 'customers'} has {rows} too many: a customer_id may occur once; "
            "ingest the customers again, or remove the rows"
        )


def _files(lake: Path, table: Table) -> list[Path]:
    return sorted(path for path in (lake / table.name).glob("**/*.parquet") if path.is_file())


def view(connection: duckdb.DuckDBPyConnection, table: Table, source: str | None, place: str | None = None) -> None:
    """Create the view of one contract table over `source` (a relation in SQL), or an empty table when it is None.

    `place` names the source in messages. LakeError when a needed column is missing or a column's type is wrong.
    """
    present = _columns(connection, table, source, place or table.name) if source else {}
    kind, origin = ("view", source) if source else ("table", None)
    connection.execute(f"create or replace temp {kind} {table.name} as {contract_form(table, present, origin)}")


def contract_form(table: Table, present: Iterable[str], source: str | None) -> str:
    """Return the SELECT that brings `source` into contract form: missing columns as null, time also as integers."""
    names = set(present)
    selected = [_select(column.lake_name, column.lake_type, column.lake_name in names) for column in table.columns]
    integers = (
        f"cast(floor(epoch({table.time})) as bigint) as {table.time}_s, "
        f"cast(floor(epoch({table.time}) / 86400) as bigint) as {table.time}_day"
    )
    # Two steps: the integers come from the contract's column, even when the source has columns of their names.
    return f"select *, {integers} from (select {', '.join(selected)} {f'from {source}' if source else 'where false'})"


def _select(name: str, kind: str, present: bool) -> str:  # noqa: FBT001 - private, one caller
    return f'"{name}"' if present else f'cast(null as {kind}) as "{name}"'


def _columns(connection: duckdb.DuckDBPyConnection, table: Table, source: str, place: str) -> dict[str, str]:
    """Return the types of the source's columns by name, after checking them against the contract."""
    present = {row[0]: str(row[1]) for row in connection.execute(f"describe select * from {source}").fetchall()}
    hidden = [name for name in present if name.lower().startswith(HIDDEN)]
    if hidden:
        raise LakeError(f"{table.name}: column {hidden[0]} is the truth of a simulated world, which no model may see")
    for column in table.columns:
        kind = present.get(column.lake_name)
        if kind is None and column.needed:
            raise LakeError(f"{place}: column {column.lake_name} is missing; ingest again")
        if kind is not None and kind != column.lake_type:
            raise LakeError(
                f"{place}: column {column.lake_name} is {kind}, the lake keeps {column.lake_type}; ingest again"
            )
    return present


def check_rows(table: str, rows: int, info: LakeInfo, lake: object = "the lake") -> None:
    """Raise LakeError when a table has another number of rows than lake.json says: files are missing or new."""
    expected = info.tables[table].rows if table in info.tables else 0
    if rows != expected:
        raise LakeError(
            f"{table} of {lake} holds {rows:,} rows, but {MARKER} says {expected:,}; "
            "copy the whole lake, or ingest again"
        )


def finish(connection: duckdb.DuckDBPyConnection, lake: Path, currency: str, minor_units: int) -> LakeInfo:
    """Write lake.json from the Parquet files; call it last, since it marks the folder as complete."""
    tables = {}
    for table in TABLES.values():
        files = _files(lake, table)
        if not files:
            continue
        query = f"select count(*), min({table.time}), max({table.time}) from {parquet(files)}"
        [(rows, first, last)] = connection.execute(query).fetchall()
        tables[table.name] = TableInfo(rows=rows, first=first, last=last)
    info = LakeInfo(currency=currency, minor_units=minor_units, tables=tables)
    (lake / MARKER).write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return info
