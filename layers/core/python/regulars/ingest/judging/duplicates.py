"""Rows that stand twice, word for word: in one file, or in two exports that overlap.

Each staged row carries a hash of all its cells, with the names of their columns: rows of one customer with one hash are
taken for equal (64 bits: among a thousand rows of one customer the chance of a mistake is below 1e-13).
"""

import duckdb

from regulars.errors import SourceError
from regulars.ingest.staging import POSITION

SHOWN = 3
FIND = """
create or replace temp table same_rows as
with hashed as (select row_hash, customer_id from good_rows group by all having count(*) > 1)
select good_rows.pos, min(pos) over (partition by row_hash, customer_id) as first
from good_rows join hashed using (row_hash, customer_id)
qualify good_rows.pos <> first
"""
PLACES = f"""
select pos, again.source_file, pos % {POSITION}, earlier.source_file, first % {POSITION}
from same_rows
join source_files as again on again.number = pos // {POSITION}
join source_files as earlier on earlier.number = first // {POSITION}
order by pos
limit {SHOWN}
"""


DROP = f"""
insert into repeats
select
    pos, 'row', 'is a duplicate',
    'word for word as ' || source_file || ' row ' || cast(first % {POSITION} as varchar), null
from same_rows join source_files on number = first // {POSITION}
"""


def find(session: duckdb.DuckDBPyConnection) -> int:
    """Make `same_rows` (pos, first) of the rows of `good_rows` that an earlier row equals; return their number."""
    session.execute(FIND)
    return int(session.execute("select count(*) from same_rows").fetchall()[0][0])


def places(session: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Return the first few of `same_rows` by their place, and in words where they stand and what they repeat."""
    rows = session.execute(PLACES).fetchall()
    return [(int(pos), f"{file} row {row} repeats {first} row {at}") for pos, file, row, first, at in rows]


def money(session: duckdb.DuckDBPyConnection) -> int:
    """Return what the rows of `same_rows` count, in minor units."""
    query = "select coalesce(sum(order_value_cents), 0) from good_rows where pos in (select pos from same_rows)"
    return int(session.execute(query).fetchall()[0][0])


def drop(session: duckdb.DuckDBPyConnection) -> None:
    """Add the rows of `same_rows` to the table `repeats`, each with the row that it repeats."""
    session.execute(DROP)


def refuse(number: int, where: str) -> SourceError:
    """Return the error of a map that allows no row twice."""
    return SourceError(f"{number:,} rows stand twice, word for word ({where}); drop them, or say duplicates in the map")


def warning(number: int, where: str, money: str | None) -> str:
    """Say that rows stand twice and were kept, with the money that they count."""
    worth = f", which counts {money} again" if money else ""
    return (
        f"{number:,} row{'s stand' if number > 1 else ' stands'} twice, word for word ({where}), and all were kept"
        f"{worth}; "
        'say duplicates = "drop", "keep" or "refuse" in the map'
    )
