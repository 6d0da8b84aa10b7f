"""Rows whose key an earlier row has, and the file of rejected rows."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from regulars.data.sql import literal
from regulars.ingest.reading.open_file import OpenFile
from regulars.ingest.staging import POSITION, source_rows

REASON = "case when field = 'where' then kind else field || ' ' || kind end"


NO_REPEATS = (
    "create or replace temp table repeats (pos bigint, field varchar, kind varchar, detail varchar, row varchar)"
)
REPEATS = """
insert into repeats
with firsts as (
    select key, is_return, min(pos) as first
    from {keyed}
    where hash(key, is_return) in (select hashed from suspects)
    group by all
    having count(*) > 1
)
select
    pos,
    '{field}',
    'is a duplicate',
    key || ' first seen at ' || source_file || ' row ' || cast(first % {position} as varchar),
    null
from {keyed} as keyed
join firsts using (key, is_return)
join source_files on number = first // {position}
where pos <> first
"""


def keyed(key: tuple[str, str], rows: str) -> str:
    """Return the SELECT of each staged row's key: pos, key, is_return, amount (of orders)."""
    field, is_return = key
    amount = "order_value_cents" if field == "order_id" else "cast(null as bigint)"
    return (
        f"select pos, {field} as key, {is_return} as is_return, {amount} as amount from {rows} "
        f"where problem is null and {field} is not null"
    )


def number_files(session: duckdb.DuckDBPyConnection, names: Mapping[int, str]) -> None:
    """Make the table `source_files` of a contract table's files: their numbers and names."""
    session.execute("create or replace temp table source_files (number bigint, source_file varchar)")
    session.execute(
        "insert into source_files select unnest(cast(? as bigint[])), unnest(cast(? as varchar[]))",
        [list(names), list(names.values())],
    )


def find_repeats(session: duckdb.DuckDBPyConnection, field: str, keyed: str) -> None:
    """Make the table `repeats` of the rows of `keyed` whose key an earlier row has, each saying where that is."""
    session.execute(NO_REPEATS)
    # Hashes first: most often none stands twice, and they take two thirds of the time of the keys themselves.
    session.execute(
        "create or replace temp table suspects as "
        f"select hash(key, is_return) as hashed from {keyed} group by 1 having count(*) > 1"
    )
    if session.execute("select 1 from suspects limit 1").fetchall():
        session.execute(REPEATS.format(field=field, keyed=keyed, position=POSITION))


def fill_rows(session: duckdb.DuckDBPyConnection, files: Mapping[int, OpenFile]) -> None:
    """Read again the files that repeats came from: rare, and cheaper than carrying every row as JSON."""
    numbers = session.execute(f"select distinct pos // {POSITION} from repeats order by 1").fetchall()
    for (number,) in numbers:
        rows = source_rows(files[number], number)
        session.execute(f"update repeats set row = again.row from ({rows}) as again where repeats.pos = again.pos")


def write_problems(session: duckdb.DuckDBPyConnection, problems: str, target: Path) -> int:
    """Write the rejected rows of a relation (pos, field, kind, detail, row) as Parquet, and return their number."""
    query = (
        f"select source_file, pos % {POSITION} as source_row, field, "
        f"{REASON} || coalesce(': ' || detail, '') as reason, row "
        f"from {problems} join source_files on number = pos // {POSITION} order by pos"
    )
    copy = f"copy ({query}) to {literal(str(target))} (format parquet, compression zstd)"
    return int(session.execute(copy).fetchall()[0][0])
