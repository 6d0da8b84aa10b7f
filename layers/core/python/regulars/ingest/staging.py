"""One source file to one staged Parquet file: every row with its contract values, or with why it is rejected.

A staged row has `pos` (file number and row number in one integer: the order of everything that follows), the contract
columns in lake form, `attributes` (a struct of text), `problem` (null, or a struct of field, kind and detail) and, of a
problem row only, the source row as JSON.
"""

from collections.abc import Sequence

import duckdb

from regulars.data.schema import Column, Table
from regulars.data.sql import literal
from regulars.errors import MapError, SourceError
from regulars.expressions.compiler import Expression, Source, compile_expression, quoted
from regulars.ingest.faults import Said
from regulars.ingest.mapping import UNNAMED, Mapping, Section
from regulars.ingest.readers import BROKEN, ROW, OpenFile, first_line
from regulars.ingest.values import Check, Value, absent, read_name, value_of
from regulars.text import short, shown

POSITION = 1 << 40
"""A staged row's `pos` is its file's number times this, plus its row number."""


class Stager:
    """Writes the SELECT that stages one file for one table."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: Table, mapping: Mapping, section: Section | None
    ) -> None:
        self.connection = connection
        self.table = table
        self.mapping = mapping
        self.section = section
        self.said: list[list[Said]] = []
        """The expressions of each file so far."""
        if mapping.date_format:
            _check_format(connection, mapping.date_format)

    def select(self, file: OpenFile, number: int, attributes: Sequence[str]) -> str:
        """Return the SELECT for `file`, the dataset's file number `number`.

        `attributes` are those of all files of the table: a file without one of them holds null.
        MapError and SourceError as `compile_expression`.
        """
        self.said.append([])
        section = self.section or identity(self.table, file.source, attributes)
        values = [self._value(file.source, column, section.columns.get(column.name)) for column in self.table.columns]
        checks = [check for value in values for check in value.checks]
        read = ", ".join(f"{value.read} as {read_name(value.column)}" for value in values)
        columns = ", ".join(f"{value.kept} as {quoted(value.column.lake_name)}" for value in values)
        kept = self._attributes(file.source, section, attributes)
        problem = self._problem(file.source, section, checks)
        place = f"{number * POSITION} + {ROW} as pos"
        return (
            # Packing a row is free, writing it as JSON is not: only the rejected ones are written.
            "select * exclude (source_row), "
            f"case when problem is not null then {_as_json('source_row')} end as row from "
            f"(select {place}, {columns}, {kept} as attributes, {problem} as problem, "
            f"{_packed(file.source)} as source_row "
            f"from (select *, {read} from ({file.sql})))"
        )

    def _compile(self, source: Source, text: str, key: str, *, numeric: bool = False) -> tuple[Expression, str]:
        """Return the expression and its DuckDB type; MapError when DuckDB cannot make sense of it."""
        where = f"[{self.table.name}] {short(key)}"
        expression = compile_expression(self.connection, text, source, where, numeric=numeric)
        # Without a map every other column is an attribute: one that is there twice is worth a warning, no more.
        if self.section or not key.startswith("attributes."):
            _refuse_doubled(source, expression, where)
        nulls = ", ".join(f"cast(null as {kind}) as {quoted(name)}" for name, kind in source.columns.items())
        try:
            [found] = self.connection.execute(f"describe select {expression.sql} from (select {nulls})").fetchall()
        except duckdb.Error as error:
            raise MapError(f"{where} = {shown(text)} does not fit {source.name}: {first_line(error)}") from error
        self.said[-1].append(Said(f"{where} = {shown(text)}", expression.sql))
        return expression, str(found[1])

    def _problem(self, source: Source, section: Section, checks: Sequence[Check]) -> str:
        """Find a row's first problem: no row at all, kept out by a rule, a bad value, a rule that cannot tell."""
        rules = [(_rule(name), self._condition(source, text, f"where.{name}")) for name, text in section.where.items()]
        branches = [
            Check(f"{BROKEN} is not null", "row", "is broken", BROKEN),
            *(Check(f"not {sql}", "where", kind) for kind, sql in rules),
            *checks,
            *(Check(f"{sql} is null", "where", kind) for kind, sql in rules),
        ]
        return f"case {' '.join(check.sql for check in branches)} end"

    def _condition(self, source: Source, text: str, key: str) -> str:
        expression, kind = self._compile(source, text, key)
        if kind != "BOOLEAN":
            raise MapError(
                f"[{self.table.name}] {short(key)} = {shown(text)} is of type {kind}; a rule must be true or false"
            )
        return expression.sql

    def _attributes(self, source: Source, section: Section, names: Sequence[str]) -> str:
        """Build the struct of attributes; a struct needs a field, so without any there is one that is never read."""
        fields = ["cast(null as varchar)"] * len(names)
        for place, name in enumerate(names):
            if name in section.attributes:
                expression, _ = self._compile(source, section.attributes[name], f"attributes.{name}")
                fields[place] = f"cast({expression.sql} as varchar)"
        pairs = [f"{quoted(name)} := {sql}" for name, sql in zip(names, fields, strict=True)]
        return f"struct_pack({', '.join(pairs or ['none := cast(null as varchar)'])})"

    def _value(self, source: Source, column: Column, text: str | None) -> Value:
        if text is None:
            return absent(column)
        expression, kind = self._compile(source, text, column.name, numeric=column.kind in {"money", "number"})
        return value_of(column, expression, kind, self.mapping)


def _refuse_doubled(source: Source, expression: Expression, where: str) -> None:
    """Refuse a column whose name the file has twice: nothing says which of them is meant."""
    for name in expression.columns:
        if name in source.doubled:
            raise SourceError(
                f'{source.name}: several columns are called "{name}", which {where} reads; rename or drop all but one'
            )


def source_rows(file: OpenFile, number: int) -> str:
    """Return the SELECT of a file's rows as JSON by `pos`: for rows that turn out to be rejects after staging."""
    return f"select {number * POSITION} + {ROW} as pos, {_as_json(_packed(file.source))} as row from ({file.sql})"


def _packed(source: Source) -> str:
    return f"struct_pack({', '.join(f'{quoted(name)} := {quoted(name)}' for name in source.columns)})"


def _as_json(row: str) -> str:
    return f"cast(to_json({row}) as varchar)"


def identity(table: Table, source: Source, attributes: Sequence[str] = ()) -> Section:
    """Map a file without a map: the contract's own column names, and every other column an attribute."""
    columns = {column.name: quoted(found) for column in table.columns if (found := source.column(column.name))}
    # A needed column that is absent is compiled all the same, for the message that names the file and what it has.
    columns |= {column.name: column.name for column in table.columns if column.needed and column.name not in columns}
    others = {name: quoted(found) for name in attributes if (found := source.column(name))}
    return Section.model_construct(columns=columns, attributes=others, where={}, files=(), grain="order")


def free_columns(table: Table, source: Source) -> list[str]:
    """Name the columns of a file without a map that are not the contract's: its attributes."""
    taken = {name for column in table.columns for name in (column.name, column.lake_name)}
    return [name for name in source.columns if name.lower() not in taken]


def _rule(name: str) -> str:
    return "excluded by where" if name == UNNAMED else f"excluded by where: {name}"


def _check_format(connection: duckdb.DuckDBPyConnection, date_format: str) -> None:
    try:
        connection.execute(f"select try_strptime('', {literal(date_format)})").fetchall()
    except duckdb.Error as error:
        raise MapError(f"date_format = {shown(date_format)} is not strptime's: {first_line(error)}") from error
