"""One source file to one staged Parquet file: every row with its contract values, or with why it is rejected.

A staged row has `pos` (file number and row number in one integer: the order of everything that follows), the contract
columns in lake form, `attributes` (a struct of text), `problem` (null, or a struct of field, kind and detail), what
finds rows that stand twice, and, of a problem row only, the source row as JSON and the amount it may stand for.

All files of a table are looked at before the first is read: how numbers, times and currencies are written is decided
for a whole column.
"""

from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from regulars.data.schema import NO_CURRENCY, Column, Table
from regulars.data.sql import literal
from regulars.errors import MapError, SourceError
from regulars.expressions.compiler import Expression, Source, compile_expression, quoted
from regulars.ingest.faults import MapExpression
from regulars.ingest.mapping import UNNAMED, Mapping, Section
from regulars.ingest.reading.open_file import BROKEN, OWN, ROW, OpenFile, first_line
from regulars.ingest.values import currencies, numbers
from regulars.ingest.values.evidence import Evidence, decide
from regulars.ingest.values.values import Check, TimeRule, Value, absent, perhaps, read_name, value_of
from regulars.text import short, shown

POSITION = 1 << 40
"""A staged row's `pos` is its file's number times this, plus its row number."""


REFUND = Column("refund", "money")
REFUNDED_AT = Column("refunded_at", "time")
"""What was sent back of an order, in the order's own row."""

CURRENCY = Column("currency", "text")


Rules = Map[str, TimeRule]


class Stager:
    """Writes the SELECT that stages one file for one table."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: Table, mapping: Mapping, section: Section | None
    ) -> None:
        self.connection = connection
        self.table = table
        self.mapping = mapping
        self.section = section
        self.expressions: list[list[MapExpression]] = []
        """The expressions of each file so far."""
        self.evidence: list[Evidence] = []
        """What each file's cells tell, in the order of the files."""
        self.currencies: dict[str, set[str]] = {}
        if mapping.date_format:
            _check_format(connection, mapping.date_format)

    @property
    def columns(self) -> list[Column]:
        """The columns that are staged: the contract's, and what only the map's section adds."""
        section = self.section
        more = [REFUND, REFUNDED_AT] if section and section.refund else []
        return [*self.table.columns, *more]

    def look(self, file: OpenFile, attributes: Sequence[str]) -> None:
        """Add what a file's cells tell of how its numbers, times and currencies are written."""
        self.expressions.append([])
        evidence = Evidence()
        self.evidence.append(evidence)
        section = self.section or identity(self.table, file.source, attributes)
        rows = f"({file.scan})"
        read: set[str] = set()
        numeric: set[str] = set()
        for column in self.columns:
            expression, kind = self._expression(file.source, section, column)
            if expression is None:
                continue
            read.update(expression.columns)
            numeric.update(expression.numeric)
            if column.kind == "time":
                evidence.look_at_time(self.connection, column.name, expression.sql, kind, rows)
        for text in [*section.where.values(), *([section.currency] if section.currency else [])]:
            rule = compile_expression(self.connection, text, file.source, f"[{self.table.name}]")
            read.update(rule.columns)
            numeric.update(rule.numeric)
        evidence.look_at_numbers(self.connection, numeric, rows)
        if self.table.name == "orders":
            for name, values in currencies.columns(self.connection, file.source, frozenset(read), rows).items():
                self.currencies.setdefault(name, set()).update(values)

    def decide(self) -> list[str]:
        """Settle how cells are written, and say what had to be found out; SourceError when they can mean two things."""
        return decide(self.evidence, self.mapping)

    def select(self, file: OpenFile, number: int, attributes: Sequence[str]) -> str:
        """Return the SELECT for `file`, the dataset's file number `number`, after all files have been looked at.

        `attributes` are those of all files of the table: a file without one of them holds null.
        MapError and SourceError as `compile_expression`.
        """
        self.expressions.append([])
        section = self.section or identity(self.table, file.source, attributes)
        evidence = self.evidence[len(self.expressions) - 1]
        marks = evidence.decimals
        own = {name: f"{OWN}number {name}" for name in marks}
        source = replace(file.source, numbers=own)
        rate, currency = self._rate(source, section)
        values = [self._value(source, section, column, rate, evidence.rules) for column in self.columns]
        values += [currency] if currency else []
        checks = [check for value in values for check in value.checks]
        read = ", ".join(f"{value.read} as {read_name(value.column)}" for value in values)
        kept = ", ".join(
            f"{value.kept} as {quoted(value.column.lake_name)}" for value in values if value is not currency
        )
        parsed = "".join(
            f", {numbers.parsed(f'trim({quoted(name)})', mark)} as {quoted(own[name])}" for name, mark in marks.items()
        )
        more = self._attributes(source, section, attributes)
        problem = self._problem(source, section, checks)
        place = f"{number * POSITION} + {quoted(ROW)} as pos"
        return (
            # Packing a row is free, writing it as JSON is not: only the rejected ones are written.
            "select * exclude (source_row), "
            f"case when problem is not null then {_as_json('source_row')} end as row from "
            f"(select {place}, {kept}, {more} as attributes, {problem} as problem, {self._further(source, section)}, "
            f"{_packed(source)} as source_row "
            f"from (select *, {read} from (select *{parsed} from ({file.sql}))))"
        )

    def _further(self, source: Source, section: Section) -> str:
        """Return what else a staged row has: its hash, and of its amount whether it is blank and what it may mean."""
        parts = [row_hash(source)] if self.table.name in REPEATABLE else []
        if self.table.name == "orders":
            expression, _ = self._expression(source, section, self.table["order_value"])
            unread = f"{read_name(self.table['order_value'])} is null"
            blank = " and ".join(f"{quoted(name)} is null" for name in expression.columns) if expression else "true"
            maybe = perhaps(expression) if expression else "cast(null as double)"
            parts += [
                f"{unread} and ({blank or 'false'}) as is_blank",
                f"case when {unread} then {maybe} end as perhaps",
            ]
        return ", ".join(parts or ["null as nothing"])

    def _rate(self, source: Source, section: Section) -> tuple[str | None, Value | None]:
        """Return the SQL of the rate that a row's money is worth, and the row's currency; None without either."""
        if not section.currency:
            return None, None
        if not self.mapping.rates or self.mapping.currency == NO_CURRENCY:
            raise MapError("[orders] currency needs the currency of the lake (currency = ...) and a table [rates]")
        expression, _ = self._compile(source, section.currency, "currency")
        value = Value(CURRENCY, f"cast({expression.sql} as varchar)", "null")
        when = read_name(self.table["ordered_at"])
        return currencies.rate(read_name(CURRENCY), when, self.mapping.rates, self.mapping.currency), value

    def _compile(self, source: Source, text: str, key: str, *, numeric: bool = False) -> tuple[Expression, str]:
        """Return the expression and its DuckDB type; MapError when DuckDB cannot make sense of it."""
        where = f"[{self.table.name}] {short(key)}"
        expression = compile_expression(self.connection, text, source, where, numeric=numeric)
        # Without a map every other column is an attribute: one that is there twice is worth a warning, no more.
        if self.section or not key.startswith("attributes."):
            _refuse_doubled(source, expression, where)
        columns = dict(source.columns) | dict.fromkeys(source.numbers.values(), "DOUBLE")
        nulls = ", ".join(f"cast(null as {kind}) as {quoted(name)}" for name, kind in columns.items())
        try:
            [found] = self.connection.execute(f"describe select {expression.sql} from (select {nulls})").fetchall()
        except duckdb.Error as error:
            raise MapError(f"{where} = {shown(text)} does not fit {source.name}: {first_line(error)}") from error
        self.expressions[-1].append(MapExpression(f"{where} = {shown(text)}", expression.sql))
        return expression, str(found[1])

    def _problem(self, source: Source, section: Section, checks: Sequence[Check]) -> str:
        """Find a row's first problem: no row at all, kept out by a rule, a bad value, a rule that cannot tell."""
        rules = [(_rule(name), self._condition(source, text, f"where.{name}")) for name, text in section.where.items()]
        branches = [
            Check(f"{quoted(BROKEN)} is not null", "row", "is broken", quoted(BROKEN)),
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

    def _expression(self, source: Source, section: Section, column: Column) -> tuple[Expression | None, str]:
        """Return what the section says of a column, compiled, and its DuckDB type; None where it says nothing."""
        text = {REFUND.name: section.refund, REFUNDED_AT.name: section.refunded_at}.get(
            column.name, section.columns.get(column.name)
        )
        if text is None:
            return None, ""
        return self._compile(source, text, column.name, numeric=column.kind in {"money", "number"})

    def _value(self, source: Source, section: Section, column: Column, rate: str | None, rules: Rules) -> Value:
        expression, kind = self._expression(source, section, column)
        if expression is None:
            return absent(column)
        return value_of(column, expression, kind, self.mapping, rules.get(column.name, TimeRule()), rate)


def _refuse_doubled(source: Source, expression: Expression, where: str) -> None:
    """Refuse a column whose name the file has twice: nothing says which of them is meant."""
    for name in expression.columns:
        if name in source.doubled:
            raise SourceError(
                f'{source.name}: several columns are called "{name}", which {where} reads; rename or drop all but one'
            )


REPEATABLE = ("orders", "events", "treatments")
"""Tables in which a row that stands twice would count twice."""


def row_hash(source: Source) -> str:
    """Return the SQL of a hash over a row's cells and the names of their columns, whatever the order of the columns."""
    names = sorted(source.columns, key=str.lower)
    cells = ", ".join(map(quoted, names))
    return f"hash({literal(', '.join(map(str.lower, names)))}, {cells}) as row_hash"


def source_rows(file: OpenFile, number: int) -> str:
    """Return the SELECT of a file's rows as JSON by `pos`: for rows that turn out to be rejects after staging."""
    return (
        f"select {number * POSITION} + {quoted(ROW)} as pos, {_as_json(_packed(file.source))} as row from ({file.sql})"
    )


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
