"""Contract values in SQL, a function for each kind: what a cell becomes in the lake, and what can be wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars.data.schema import Column, minor_units
from regulars.data.sql import literal
from regulars.errors import MapError
from regulars.expressions.compiler import Expression, quoted
from regulars.ingest.mapping import Mapping
from regulars.ingest.reading.open_file import OWN
from regulars.ingest.values import times
from regulars.ingest.values.numbers import looks_like_number, parsed

TOO_LARGE = 10**15
"""Amounts from here on, in minor units, are no order's; below, nine thousand of them still sum within a BIGINT."""

LARGE = 10**12
"""The same for quantities, which are kept with six decimals."""

MILLION = 10**6
"""Amounts are read in millionths of the major unit, the longest decimals that a currency has with room to spare."""

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


@dataclass(frozen=True)
class TimeRule:
    """How a time is written: a rule of `times`, whether plainly, whether as a day, and what would fit instead."""

    rule: str = times.ISO
    plain: bool = False
    days: bool = False
    hint: str = ""


def value_of(
    column: Column, expression: Expression, kind: str, mapping: Mapping, rule: TimeRule, rate: str | None = None
) -> Value:
    """Return what `expression`, of DuckDB type `kind`, makes of `column`; MapError for a time of no time type.

    `rate` is the SQL of what one unit of the row's currency is worth, where there are rates.
    """
    if column.kind == "time":
        return _time(column, expression, kind, mapping, rule)
    if column.kind == "money":
        return _money(column, expression, 10 ** minor_units(mapping.currency), rate)
    if column.name == "customer_id":
        return _customer_id(column, expression, kind, mapping.customer_id.normalise)
    return {"text": _text, "number": _number, "flag": _flag}[column.kind](column, expression, kind)


def absent(column: Column) -> Value:
    """Return the null of a column that nobody brought."""
    kind = "DECIMAL(18, 6)" if column.kind == "number" else column.lake_type
    return Value(column, "null", f"cast(null as {kind})")


def cells(expression: Expression) -> str:
    """Show the cells that an expression read, as `Quantity = '12x', Price = '3.5'`."""
    shown = [
        f"{literal(name + ' = ')} || coalesce('''' || left(cast({quoted(name)} as varchar), 60) || '''', 'blank')"
        for name in expression.columns
    ]
    return f"({' || '.join(_joined(shown))})" if shown else "'a constant'"


def _joined(parts: Sequence[str]) -> list[str]:
    return [part for pair in parts for part in ("', '", pair)][1:]


def _present(expression: Expression) -> str:
    """Say in SQL that any of the cells that the expression reads is filled."""
    filled = " or ".join(f"{quoted(name)} is not null" for name in expression.columns)
    return f"({filled})" if filled else "true"


def read_name(column: Column) -> str:
    """Name the value that was read, beside the file's own columns."""
    return quoted(f"{OWN}{column.name}")


def _presence(column: Column, expression: Expression, kind: str, detail: str) -> tuple[Check, ...]:
    """Check that a needed value is there, and that one that is there could be read."""
    missing = Check(f"{read_name(column)} is null and not {_present(expression)}", column.name, "is missing")
    unread = Check(f"{read_name(column)} is null and {_present(expression)}", column.name, kind, detail)
    return (missing, unread) if column.needed else (unread,)


def _double(expression: Expression) -> str:
    return f"try_cast({expression.sql} as double)"


def _amount(column: Column, expression: Expression, limit: int) -> tuple[Check, ...]:
    value, shown = read_name(column), cells(expression)
    return (
        *_presence(column, expression, "is not a number", shown),
        Check(f"not isfinite({value})", column.name, "is not a finite number", shown),
        Check(f"abs({value}) >= {limit}", column.name, "is too large", shown),
    )


def _number(column: Column, expression: Expression, _: str) -> Value:
    kept = f"try_cast({read_name(column)} as decimal(18, 6))"
    return Value(column, _double(expression), kept, _amount(column, expression, LARGE))


def _text(column: Column, expression: Expression, kind: str) -> Value:
    value, text = read_name(column), f"cast({expression.sql} as varchar)"
    if kind in FLOATS:
        # Ids with gaps are read as floats by many tools: 18287.0 is the customer 18287, and NaN is nobody.
        text = f"case when isfinite({expression.sql}) then regexp_replace({text}, '\\.0$', '') end"
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
    unread = Check(f"{read_name(column)} is null and {_present(expression)}", column.name, "is not a flag", detail)
    checks = () if kind == "BOOLEAN" else (unread,)
    return Value(column, f"try_cast({expression.sql} as boolean)", read_name(column), checks)


def _customer_id(column: Column, expression: Expression, kind: str, normalise: Sequence[str]) -> Value:
    """Read an id as text; what the map says of ids makes one of those that are written differently."""
    value = _text(column, expression, kind)
    return Value(column, normalised(value.read, normalise), value.kept, value.checks)


NORMALISED = {
    "spaces": "regexp_replace({id}, '\\s+', ' ', 'g')",
    "lower": "lower({id})",
    "float": "regexp_replace({id}, '^(\\d+)\\.0+$', '\\1')",
    "zeros": "regexp_replace({id}, '^0+(\\d)', '\\1')",
}
"""What each word of `normalise` does to an id, in the order in which it is done."""


def normalised(customer_id: str, words: Sequence[str]) -> str:
    """Return the SQL of an id after NORMALISED's steps of these words."""
    for word, step in NORMALISED.items():
        if word in words:
            customer_id = step.format(id=customer_id)
    return customer_id


def _time(column: Column, expression: Expression, kind: str, mapping: Mapping, rule: TimeRule) -> Value:
    """Read a time: naive instants are of the map's time zone, a day stays that day, the lake's are UTC."""
    if not kind.startswith(("VARCHAR", "TIMESTAMP", "DATE")):
        raise MapError(
            f"{column.name} is of type {kind}, not a time; "
            "of epoch seconds make one with to_timestamp(...), of milliseconds with epoch_ms(...)"
        )
    raw, expected = expression.sql, ISO
    if kind == "VARCHAR":
        raw, kind = times.raw_time(raw, rule.rule, plain=rule.plain)
        if rule.rule != times.ISO:
            expected = f"expected {'date_format ' if rule.rule.startswith('%') else ''}{rule.rule}{rule.hint}"
    value = read_name(column)
    shown = f"{cells(expression)} || {literal(f' ({expected})')}"
    outside = f"({value} < timestamp '{FIRST}' or {value} >= timestamp '{END}')"
    implausible = Check(outside, column.name, "is implausible, before 1970 or after 2199", cells(expression))
    read = f"try_cast({raw} as timestamp)" if rule.days else _in_utc(raw, kind, mapping.timezone)
    return Value(column, read, value, (*_presence(column, expression, "does not parse", shown), implausible))


def _in_utc(raw: str, kind: str, timezone: str) -> str:
    """Bring a time to UTC: by the calendar of time zones, a fifth of a second a million rows, only where it tells."""
    slow = f"try_cast(try_cast({raw} as timestamptz) at time zone 'UTC' as timestamp)"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"coalesce(make_timestamp(epoch_us({raw})), {slow})"  # infinity has no microseconds
    naive = kind.startswith(("TIMESTAMP", "DATE"))
    return f"try_cast({raw} as timestamp)" if naive and timezone == "UTC" else slow


def _money(column: Column, expression: Expression, scale: int, rate: str | None) -> Value:
    """Make minor units, rounded half away from zero; via a decimal, since 1.005 * 100 is no half in binary.

    Whole millionths in a machine's own integer are the same number, and take a twentieth of the time.
    """
    value, step = read_name(column), MILLION // scale
    checks = _amount(column, expression, TOO_LARGE // scale)
    if rate:
        value = f"({value} * {rate})"
        checks = (*checks, Check(f"{read_name(column)} is not null and {rate} is null", "currency", "has no rate"))
    millionths = f"cast({value} * {MILLION} as bigint)"
    fast = (
        f"case when abs({value}) < {MILLION**2} "
        f"then ({millionths} + case when {value} < 0 then -{step // 2} else {step // 2} end) // {step} end"
    )
    exact = f"coalesce({fast}, try_cast(round(try_cast({value} as decimal(28, 6)) * {scale}) as bigint))"
    return Value(column, _double(expression), exact, checks)


def perhaps(expression: Expression) -> str:
    """Return the SQL of the amount that an unread cell may stand for, under either decimal mark; null if none."""
    if len(expression.numeric) != 1:
        return "cast(null as double)"
    cell = f"trim({quoted(expression.numeric[0])})"
    either = f"coalesce({parsed(cell, '.')}, {parsed(cell, ',')})"
    return f"case when {looks_like_number(cell)} then {either} end"
