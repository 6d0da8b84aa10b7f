"""The first rows of a file as a map reads them: by the same code as ingest."""

from pathlib import Path

import duckdb

from regulars.data.schema import TABLES, minor_units
from regulars.ingest.mapping import Mapping
from regulars.ingest.reading.sources import SourceFile
from regulars.ingest.table_rows import TableRows
from regulars_workbench.draft.profile import HEAD

SHOWN = 10
COLUMNS = ("row", "customer_id", "order_id", "ordered_at", ">order_value", "return", "or rejected, because")

QUERY = """
select
    pos % {position} as row,
    customer_id,
    order_id,
    strftime(ordered_at, '%Y-%m-%d %H:%M:%S'),
    order_value_cents,
    coalesce(is_return, order_value_cents < 0),
    case when problem is not null then concat_ws(' ', problem.field, problem.kind, problem.detail) end
from read_parquet('{folder}/*.parquet')
order by pos
limit {shown}
"""


def preview(session: duckdb.DuckDBPyConnection, file: str, mapping: Mapping, folder: Path) -> list[tuple[object, ...]]:
    """Return COLUMNS of the first rows of the table HEAD; SourceError and MapError as ingest raises them.

    The decimal mark, dates and currency are decided by the whole head.
    """
    head = folder / "orders.parquet"
    session.execute(f"copy {HEAD} to '{head}' (format parquet)")
    rows = TableRows(session, TABLES["orders"], mapping, folder / "staged")
    rows.stage([SourceFile(head, file)], lambda _: None)
    query = QUERY.format(position=1 << 40, folder=folder / "staged", shown=SHOWN)
    scale = minor_units(rows.mapping.currency)
    return [_shown(row, scale) for row in session.execute(query).fetchall()]


def _shown(row: tuple[object, ...], places: int) -> tuple[object, ...]:
    place, customer, order, when, cents, is_return, problem = row
    if problem is not None:
        return place, customer, order, when, None, None, problem
    amount = f"{int(str(cents)) / 10**places:,.{places}f}" if cents is not None else None
    return place, customer, order, when, amount, "yes" if is_return else "", ""
