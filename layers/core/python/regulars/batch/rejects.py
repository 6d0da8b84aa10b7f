"""The rejects file: every source row that was not kept, and every customer without a score, with the reason.

Columns: table, source_file, source_row, field, reason, row (the source row as JSON; for a customer, its id).
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from regulars.data.lake import attach
from regulars.data.paths import parquet
from regulars.data.schema import TABLES
from regulars.data.sql import literal

NO_CUSTOMERS = "select cast(null as varchar) as customer_id where false"

UNSCORED = """
create or replace temp table unscored as
with buyers as (
    select customer_id, min(ordered_at) filter (where not is_return) as first_sale
    from orders
    group by customer_id
),
everyone as (
    select customer_id from buyers
    union
    select customer_id from customers
    union
    select customer_id from events
)
select
    everyone.customer_id,
    case
        when buyers.customer_id is null then 'customer has no order'
        when buyers.first_sale is null then 'customer has returns only'
        else 'customer has no order before as_of'
    end as reason
from everyone
left join buyers using (customer_id)
where everyone.customer_id not in (select customer_id from {scored})
"""

REJECT_COLUMNS = (
    'cast({table} as varchar) as "table", cast({source_file} as varchar) as source_file, '
    "cast({source_row} as bigint) as source_row, cast({field} as varchar) as field, "
    "cast({reason} as varchar) as reason, cast({row} as varchar) as row"
)
ROW_COLUMNS = {name: name for name in ("source_file", "source_row", "field", "reason", "row")}
CUSTOMER_COLUMNS = {
    "table": "'customers'",
    "source_file": "null",
    "source_row": "null",
    "field": "'customer_id'",
    "reason": "reason",
    "row": "to_json({'customer_id': customer_id})",
}


def unscored(connection: duckdb.DuckDBPyConnection, scored: str) -> dict[str, int]:
    """Make the table `unscored` of the customers that are not in `scored`; return their number by reason."""
    connection.execute(UNSCORED.format(scored=scored))
    return dict(connection.execute("select reason, count(*) from unscored group by 1 order by 1").fetchall())


def all_unscored(connection: duckdb.DuckDBPyConnection, lake: Path) -> dict[str, int]:
    """Make the table `unscored` of all customers of a lake; return their number by reason."""
    attach(connection, lake)
    return unscored(connection, f"({NO_CUSTOMERS})")


def write_rejects(connection: duckdb.DuckDBPyConnection, rejected: Path | None, out: Path) -> int:
    """Write the rows that ingest rejected and the customers in `unscored` to one file; return its number of rows."""
    files = {table: rejected / f"{table}.parquet" for table in TABLES} if rejected else {}
    parts = [f"select {REJECT_COLUMNS.format(**CUSTOMER_COLUMNS)} from unscored"]
    parts += [_select_rows(table, file) for table, file in files.items() if file.exists()]
    return _write(connection, parts, out)


def write_rejected_rows(connection: duckdb.DuckDBPyConnection, table: str, rejected: Path, out: Path) -> int:
    """Write one table's rejected rows to a rejects file; return its number of rows."""
    return _write(connection, [_select_rows(table, rejected)], out)


def _select_rows(table: str, rejected: Path) -> str:
    return f"select {REJECT_COLUMNS.format(table=literal(table), **ROW_COLUMNS)} from {parquet([rejected])}"


def _write(connection: duckdb.DuckDBPyConnection, parts: Sequence[str], out: Path) -> int:
    query = f"select * from ({' union all '.join(parts)}) order by all"
    [(rows,)] = connection.execute(f"copy ({query}) to {literal(str(out))} (format parquet)").fetchall()
    return int(rows)
