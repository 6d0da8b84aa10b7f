"""Joins of a map: columns of a further file added to each row, on keys, never more rows than there were."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from regulars.data.sql import literal
from regulars.errors import MapError, SourceError
from regulars.expressions.compiler import Source, quoted
from regulars.ingest.mapping import Join, Mapping
from regulars.ingest.reading.encoding import new_file
from regulars.ingest.reading.open_file import BROKEN, ROW, OpenFile, open_file
from regulars.ingest.reading.sources import SourceFile, matching
from regulars.ingest.values import numbers
from regulars.ingest.values.numbers import NumberColumn
from regulars.text import near


def joined(
    session: duckdb.DuckDBPyConnection,
    opened: OpenFile,
    table: str,
    mapping: Mapping,
    files: Sequence[SourceFile],
    workspace: Path,
) -> OpenFile:
    """Return a file with the columns that the map's joins add; each join may use what the one before added.

    SourceError for a file or column that is missing, and for a join that would multiply rows.
    """
    for join in mapping.join:
        if join.table == table:
            opened = _join(session, opened, join, _tables(session, join, mapping, files, workspace), mapping, workspace)
    return opened


def _tables(
    session: duckdb.DuckDBPyConnection, join: Join, mapping: Mapping, files: Sequence[SourceFile], workspace: Path
) -> list[OpenFile]:
    found = matching(files, join.file)
    if not found:
        raise SourceError(f'no source file matches file = "{join.file}" of [[join]]; add it, or correct the map')
    plain = mapping.model_copy(update={"skip": None, "sheet": None})
    return [open_file(session, file, plain, workspace) for file in found]


def _join(
    session: duckdb.DuckDBPyConnection,
    opened: OpenFile,
    join: Join,
    others: Sequence[OpenFile],
    mapping: Mapping,
    workspace: Path,
) -> OpenFile:
    left = [_column(opened.source, name) for name in join.on]
    names = join.equals or join.on
    if len(names) != len(left):
        raise MapError(f"[[join]] {join.file}: on and equals must name as many columns")
    keys = [_column(others[0].source, name) for name in names]
    sums = [_column(others[0].source, name) for name in join.sum]
    taken = [_column(others[0].source, name) for name in join.take] or [
        name for name in others[0].source.columns if name not in (*keys, *sums) and not join.sum
    ]
    right = new_file(workspace, ".parquet")
    rows = " union all by name ".join(f"select * from ({other.scan})" for other in others)
    values = [f"min({quoted(name)}) as {quoted(name)}" for name in taken]
    values += [f"sum({_number(session, name, rows, mapping)}) as {quoted(name)}" for name in sums]
    listed = ", ".join(map(quoted, keys))
    # One row of a key, or rows that are alike in all that is taken, add nothing but their columns.
    alike = " or ".join(f"count(distinct {quoted(name)}) > 1" for name in taken) or "false"
    query = (
        f"select {', '.join([listed, *values])}, count(*) as rows, ({alike}) as differ from ({rows}) "
        f"where {' and '.join(f'{quoted(name)} is not null' for name in keys)} group by {listed}"
    )
    session.execute(f"copy ({query}) to {literal(str(right))} (format parquet)")
    read = f"read_parquet({literal(str(right))})"
    example = session.execute(f"select {listed}, rows from {read} where differ order by all limit 1").fetchall()
    if example:
        *key, count = example[0]
        raise SourceError(
            f"{others[0].source.name}: {count} rows have {', '.join(names)} = {', '.join(map(str, key))} and differ, "
            f"so the join would multiply rows; add them up with sum = [...], or take fewer columns"
        )
    return _with(session, opened, join, left, keys, [*taken, *sums], read, others[0].source.name)


def _with(  # noqa: PLR0913, PLR0917 - the two sides and their columns
    session: duckdb.DuckDBPyConnection,
    opened: OpenFile,
    join: Join,
    left: Sequence[str],
    keys: Sequence[str],
    added: Sequence[str],
    right: str,
    name: str,
) -> OpenFile:
    taken = {column.lower() for column in opened.source.columns}
    called = {column: f"{Path(name).stem}.{column}" if column.lower() in taken else column for column in added}
    on = " and ".join(
        f"cast(own.{quoted(mine)} as varchar) = cast(other.{quoted(theirs)} as varchar)"
        for mine, theirs in zip(left, keys, strict=True)
    )
    columns = ", ".join(f"other.{quoted(column)} as {quoted(call)}" for column, call in called.items())
    # Sorted again by the row's number, which the join does not keep.
    both = f"({opened.sql}) as own left join {right} as other on {on}"
    sql = f"select own.*, {columns} from {both} order by own.{quoted(ROW)}"
    count = f"select count(*), count(*) filter (other.rows is null) from {both}"
    [(rows, unmatched)] = session.execute(count).fetchall()
    described = session.execute(f"describe select {columns} from {right} as other").fetchall()
    source = Source(
        opened.source.name,
        dict(opened.source.columns) | {str(row[0]): str(row[1]) for row in described},
        opened.source.doubled,
    )
    message = (
        f"{opened.source.name}: {rows - unmatched:,} of {rows:,} rows found their row in {name} by {', '.join(join.on)}"
    )
    warnings = (*opened.warnings, message) if unmatched else opened.warnings
    return OpenFile(source, sql, warnings, opened.rows)


def _number(session: duckdb.DuckDBPyConnection, name: str, rows: str, mapping: Mapping) -> str:
    """Return the SQL of a column to be added up: exact decimals of what its text means."""
    kinds = session.execute(f"describe select {quoted(name)} from ({rows})").fetchall()
    if kinds[0][1] != "VARCHAR":
        return quoted(name)
    seen = NumberColumn(name)
    numbers.look(session, {quoted(name): seen}, f"({rows})")
    mark, _ = seen.decide(mapping.decimal, 2)
    cell = f"trim({quoted(name)})"
    value = f"try_cast({cell} as double)" if mark == "." and seen.plain == seen.filled else numbers.parsed(cell, mark)
    lost = session.execute(f"select {cell} from ({rows}) where {cell} <> '' and ({value}) is null limit 1").fetchall()
    if lost:
        raise SourceError(f"[[join]] sum: {name} = '{str(lost[0][0])[:40]}' is not a number; correct the cell")
    return f"cast({value} as decimal(28, 6))"


def _column(source: Source, name: str) -> str:
    column = source.column(name)
    if column is None or column in (ROW, BROKEN):
        raise SourceError(f'{source.name}: no column "{name}" for [[join]]; {near(name, [*source.columns])}')
    return column
