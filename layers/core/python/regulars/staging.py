"""One source file to one staged Parquet file: every row with its contract values, or with why it is rejected.

A staged row has `pos` (file number and row number in one integer: the order of everything that follows), the contract
columns in lake form, `attributes` (a struct of text), `problem` (null, or a struct of field, kind and detail) and, of a
problem row only, the source row as JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from regulars.errors import MapError
from regulars.expressions import Expression, Source, compile_expression, literal, quoted
from regulars.mapping import UNNAMED, Mapping, Section
from regulars.schema import Column, Table, minor_units
from regulars.sources import BROKEN, ROW, OpenFile

POSITION = 1 << 40
"""A staged row's `pos` is its file's number times this, plus its row number."""

TOO_LARGE = 10**15
"""Amounts from here on, in minor units, are no order's; below, nine thousand of them still sum within a BIGINT."""

LARGE = 10**12
"""The same for quantities, which are kept with six decimals."""

FIRST, END = "1970-01-01", "2200-01-01"
ISO = "expected ISO form such as 2024-03-31 18:05:00; else set date_format in the map"
ARMS = ("treated", "control")
FLOATS = {"DOUBLE", "FLOAT"}


@dataclass(frozen=True)
class Check:
    """One way for a row to fail: the condition in SQL, the field it names, the kind, and the detail in SQL."""

    failed: str
    field: str
    kind: str
    detail: str = "null"

    @property
    def sql(self) -> str:
        """One branch of the CASE that finds a row's first problem."""
        found = f"'field': {literal(self.field)}, 'kind': {literal(self.kind)}, 'detail': {self.detail}"
        return f"when {self.failed} then {{{found}}}"


@dataclass(frozen=True)
class Value:
    """A contract column of one file in SQL: `read`, as far as it could be read, and over that `kept` and the checks.

    Two steps, since DuckDB would work out `read` again for every check that names it.
    """

    column: Column
    read: str
    kept: str
    checks: tuple[Check, ...] = ()


class Stager:
    """Writes the SELECT that stages one file for one table."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: Table, mapping: Mapping, section: Section | None
    ) -> None:
        self.connection = connection
        self.table = table
        self.mapping = mapping
        self.section = section

    def select(self, file: OpenFile, number: int, attributes: Sequence[str]) -> str:
        """Return the SELECT for `file`, the dataset's file number `number`.

        `attributes` are those of all files of the table: a file without one of them holds null.
        MapError and SourceError as `compile_expression`.
        """
        section = self.section or identity(self.table, file.source, attributes)
        values = [self._value(file.source, column, section.columns.get(column.name)) for column in self.table.columns]
        checks = [check for value in values for check in value.checks]
        read = ", ".join(f"{value.read} as {_read(value.column)}" for value in values)
        columns = ", ".join(f"{value.kept} as {quoted(value.column.lake_name)}" for value in values)
        kept = self._attributes(file.source, section, attributes)
        problem = self._problem(file.source, section, checks)
        place = f"{number * POSITION} + {ROW} as pos"
        return (
            f"select * exclude (source_row), case when problem is not null then source_row end as row from "
            f"(select {place}, {columns}, {kept} as attributes, {problem} as problem, "
            f"{_json(file.source)} as source_row "
            f"from (select *, {read} from ({file.sql})))"
        )

    def _compile(self, source: Source, text: str, key: str, *, numeric: bool = False) -> tuple[Expression, str]:
        """Return the expression and its DuckDB type; MapError when DuckDB cannot make sense of it."""
        where = f"[{self.table.name}] {key}"
        expression = compile_expression(self.connection, text, source, where, numeric=numeric)
        nulls = ", ".join(f"cast(null as {kind}) as {quoted(name)}" for name, kind in source.columns.items())
        try:
            [found] = self.connection.execute(f"describe select {expression.sql} from (select {nulls})").fetchall()
        except duckdb.Error as error:
            raise MapError(f"{where} = {text!r} does not fit {source.name}: {str(error).splitlines()[0]}") from error
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
            raise MapError(f"[{self.table.name}] {key} = {text!r} is of type {kind}; a rule must be true or false")
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
            kind = "DECIMAL(18, 6)" if column.kind == "number" else column.lake_type
            return Value(column, "null", f"cast(null as {kind})")
        expression, kind = self._compile(source, text, column.name, numeric=column.kind in {"money", "number"})
        make = {"text": _text, "time": self._time, "money": self._money, "number": _number, "flag": _flag}[column.kind]
        return make(column, expression, kind)

    def _time(self, column: Column, expression: Expression, kind: str) -> Value:
        """Read a time: naive ones are of the session's time zone, which is the map's; the lake's are UTC."""
        if not kind.startswith(("VARCHAR", "TIMESTAMP", "DATE")):
            raise MapError(
                f"[{self.table.name}] {column.name} is of type {kind}, not a time; "
                "of epoch seconds make one with to_timestamp(...), of milliseconds with epoch_ms(...)"
            )
        raw, expected = expression.sql, ISO
        if kind == "VARCHAR" and self.mapping.date_format:
            _check_format(self.connection, self.mapping.date_format)
            raw = f"try_strptime(trim({raw}), {literal(self.mapping.date_format)})"
            expected = f"expected date_format {self.mapping.date_format}"
        elif kind == "VARCHAR":
            raw = f"trim({raw})"
        value = _read(column)
        shown = f"{cells(expression)} || {literal(f' ({expected})')}"
        outside = f"({value} < timestamp '{FIRST}' or {value} >= timestamp '{END}')"
        return Value(
            column,
            f"try_cast(try_cast({raw} as timestamptz) at time zone 'UTC' as timestamp)",
            value,
            (
                *_presence(column, expression, "does not parse", shown),
                Check(outside, column.name, "is implausible, before 1970 or after 2199", cells(expression)),
            ),
        )

    def _money(self, column: Column, expression: Expression, _: str) -> Value:
        """Make minor units, rounded half away from zero; via a decimal, since 1.005 * 100 is no half in binary."""
        scale = 10 ** minor_units(self.mapping.currency)
        exact = f"try_cast(round(try_cast({_read(column)} as decimal(28, 6)) * {scale}) as bigint)"
        return Value(column, _double(expression), exact, _amount(column, expression, TOO_LARGE // scale))


def source_rows(file: OpenFile, number: int) -> str:
    """Return the SELECT of a file's rows as JSON by `pos`: for rows that turn out to be rejects after staging."""
    return f"select {number * POSITION} + {ROW} as pos, {_json(file.source)} as row from ({file.sql})"


def _json(source: Source) -> str:
    pairs = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in source.columns)
    return f"cast(to_json(struct_pack({pairs})) as varchar)"


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


def cells(expression: Expression) -> str:
    """Show the cells that an expression read, as `Quantity = '12x', Price = '3.5'`."""
    shown = [
        f"{literal(name + ' = ')} || coalesce('''' || left(cast({quoted(name)} as varchar), 60) || '''', 'blank')"
        for name in expression.columns
    ]
    return f"({' || '.join(_joined(shown))})" if shown else "'a constant'"


def _joined(parts: Sequence[str]) -> list[str]:
    return [part for pair in parts for part in ("', '", pair)][1:]


def _rule(name: str) -> str:
    return "excluded by where" if name == UNNAMED else f"excluded by where: {name}"


def _present(expression: Expression) -> str:
    """Say in SQL that any of the cells that the expression reads is filled."""
    filled = " or ".join(f"{quoted(name)} is not null" for name in expression.columns)
    return f"({filled})" if filled else "true"


def _check_format(connection: duckdb.DuckDBPyConnection, date_format: str) -> None:
    try:
        connection.execute(f"select try_strptime('', {literal(date_format)})").fetchall()
    except duckdb.Error as error:
        raise MapError(f"date_format = {date_format!r} is not strptime's: {str(error).splitlines()[0]}") from error


def _read(column: Column) -> str:
    """Name the value that was read, beside the file's own columns."""
    return quoted(f"__{column.name}")


def _presence(column: Column, expression: Expression, kind: str, detail: str) -> tuple[Check, ...]:
    """Check that a needed value is there, and that one that is there could be read."""
    missing = Check(f"{_read(column)} is null and not {_present(expression)}", column.name, "is missing")
    unread = Check(f"{_read(column)} is null and {_present(expression)}", column.name, kind, detail)
    return (missing, unread) if column.needed else (unread,)


def _double(expression: Expression) -> str:
    return f"try_cast({expression.sql} as double)"


def _amount(column: Column, expression: Expression, limit: int) -> tuple[Check, ...]:
    value, shown = _read(column), cells(expression)
    return (
        *_presence(column, expression, "is not a number", shown),
        Check(f"not isfinite({value})", column.name, "is not a finite number", shown),
        Check(f"abs({value}) >= {limit}", column.name, "is too large", shown),
    )


def _number(column: Column, expression: Expression, _: str) -> Value:
    kept = f"try_cast({_read(column)} as decimal(18, 6))"
    return Value(column, _double(expression), kept, _amount(column, expression, LARGE))


def _text(column: Column, expression: Expression, kind: str) -> Value:
    value, text = _read(column), f"cast({expression.sql} as varchar)"
    if kind in FLOATS:
        # Ids with gaps are read as floats by many tools: 18287.0 is the customer 18287.
        text = f"regexp_replace({text}, '\\.0$', '')"
    text = f"nullif(trim({text}), '')"
    checks = []
    if column.needed or column.name == "order_id":
        checks.append(Check(f"{value} is null", column.name, "is missing"))
    if column.name == "arm":
        text = f"lower({text})"
        checks.append(Check(f"{value} not in {ARMS}", column.name, "is neither treated nor control", cells(expression)))
    return Value(column, text, value, tuple(checks))


def _flag(column: Column, expression: Expression, kind: str) -> Value:
    # A condition may be unknown; a cell that is filled must say yes or no.
    detail = f"{cells(expression)} || ' (expected true or false)'"
    unread = Check(f"{_read(column)} is null and {_present(expression)}", column.name, "is not a flag", detail)
    checks = () if kind == "BOOLEAN" else (unread,)
    return Value(column, f"try_cast({expression.sql} as boolean)", _read(column), checks)
