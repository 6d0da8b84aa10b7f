"""The lake: a folder of Parquet tables in contract form, and the views through which SQL sees them.

    LAKE/lake.json               currency and what is inside
    LAKE/orders/*.parquet        and customers/, events/, treatments/ where the user has them
    LAKE/rejects/<table>.parquet every row that was not kept, with its reason
    LAKE/truth/                  of a simulated lake: what only its maker knows; refused here, so that no model sees it

A view has every contract column under its lake name, null where the user brought none, and for its time column the
two integers that the SQL files compute with: `<time>_s`, epoch seconds, and `<time>_day`, days since 1970-01-01.
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
"""What DuckDB raises over a file that is no whole Parquet file."""
TRUTH, HIDDEN = "truth", "true_"
"""The folder of a simulated lake's truth, and how its columns' names begin."""


class TableInfo(BaseModel):
    """What a lake says of one of its tables: rows, and the first and last instant (UTC, null when empty)."""

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
    """Read lake.json; LakeError when the folder is no finished lake."""
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

    LakeError when one cannot be read, lacks a column, or when customers has one twice.
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
    """Name the file that is at fault. Found by its footer: damage further in shows when the rows are read."""
    for file in files:
        try:
            connection.execute(f"describe select * from {parquet([file])}").fetchall()
        except DAMAGED:
            return LakeError(
                f"{file} is damaged or no Parquet file; remove it if it is not the lake's, or ingest again"
            )
    return LakeError(f"{files[0].parent} is not readable: {str(error).splitlines()[0]}; ingest again")


def _refuse_repeated(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Refuse customers of whom there are two rows: each would have two rows of features, and two scores.

    A million customers take a fifth of a second and 100 MB, within the connection's limit.
    """
    query = "select count(customer_id) - count(distinct customer_id) from customers"
    try:
        [(repeated,)] = connection.execute(query).fetchall()
    except DAMAGED as error:
        raise LakeError(f"{lake / 'customers'} is damaged; ingest again") from error
    if repeated:
        rows = "1 row" if repeated == 1 else f"{repeated} rows"
        raise LakeError(
            f"{lake / 'customers'} has {rows} too many: a customer_id may be there once; "
            "ingest the customers again, or remove the rows"
        )


def _files(lake: Path, table: Table) -> list[Path]:
    return sorted(path for path in (lake / table.name).glob("**/*.parquet") if path.is_file())


def view(connection: duckdb.DuckDBPyConnection, table: Table, source: str | None, place: str | None = None) -> None:
    """Create the view of one contract table over `source` (a relation in SQL), or an empty one when None.

    `place` is what messages call the source. LakeError when a needed column is missing or a column has another type
    than the contract's.
    """
    present = _columns(connection, table, source, place or table.name) if source else {}
    kind, origin = ("view", source) if source else ("table", None)
    connection.execute(f"create or replace temp {kind} {table.name} as {contract_form(table, present, origin)}")


def contract_form(table: Table, present: Iterable[str], source: str | None) -> str:
    """Return the SELECT that brings `source` into contract form: absent columns null, integers of time added."""
    there = set(present)
    selected = [_select(column.lake_name, column.lake_type, column.lake_name in there) for column in table.columns]
    integers = (
        f"cast(floor(epoch({table.time})) as bigint) as {table.time}_s, "
        f"cast(floor(epoch({table.time}) / 86400) as bigint) as {table.time}_day"
    )
    # Two steps, so that the integers are made from the column after its cast, whatever the source calls its own.
    return f"select *, {integers} from (select {', '.join(selected)} {f'from {source}' if source else 'where false'})"


def _select(name: str, kind: str, present: bool) -> str:  # noqa: FBT001 - said by name above
    return f'"{name}"' if present else f'cast(null as {kind}) as "{name}"'


def _columns(connection: duckdb.DuckDBPyConnection, table: Table, source: str, place: str) -> dict[str, str]:
    """Map the source's column names to types, checked against the contract."""
    present = {row[0]: str(row[1]) for row in connection.execute(f"describe select * from {source}").fetchall()}
    hidden = [name for name in present if name.lower().startswith(HIDDEN)]
    if hidden:
        raise LakeError(f"{table.name}: column {hidden[0]} is the truth of a simulated world, which no model may see")
    for column in table.columns:
        found = present.get(column.lake_name)
        if found is None and column.needed:
            raise LakeError(f"{place}: column {column.lake_name} is missing; ingest again")
        if found is not None and found != column.lake_type:
            raise LakeError(
                f"{place}: column {column.lake_name} is {found}, the lake keeps {column.lake_type}; ingest again"
            )
    return present


def check_rows(table: str, there: int, info: LakeInfo, lake: object = "the lake") -> None:
    """Raise LakeError when files are missing of those that a lake was made of, or some have come since."""
    said = info.tables[table].rows if table in info.tables else 0
    if there != said:
        raise LakeError(
            f"{table} of {lake} holds {there:,} rows, but {MARKER} says {said:,}; copy the whole lake, or ingest again"
        )


def finish(connection: duckdb.DuckDBPyConnection, lake: Path, currency: str, minor_units: int) -> LakeInfo:
    """Write lake.json, the marker that the folder is complete, from what its Parquet files hold; call it last."""
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
