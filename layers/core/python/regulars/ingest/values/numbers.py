"""Numbers written as text: which mark is the decimal one is decided for a whole column, never cell by cell.

A cell may have a currency sign or code, grouped thousands, and a minus before, after, or as brackets around it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from regulars.data.sql import literal
from regulars.errors import SourceError

SIGN = r"(?:[A-Z]{3}|(?:US|R|A|C|NZ|HK|S)?\p{Sc}|kr\.?|zł|Kč|Ft|Fr\.?|lei|\x{0440}\x{0443}\x{0431}\.?)"
SPACE = r"[\s\x{00a0}\x{202f}\x{2009}]"
"""Spaces that may group thousands: plain, no-break, narrow, thin."""

MINUS = r"[-\x{2212}]"
APOSTROPHE = r"['\x{2019}]"
MARKS = {".": ",", ",": "."}
"""Each decimal mark with the mark that then groups thousands."""


def pattern(decimal: str) -> str:
    """Return the regular expression of a whole cell: bracket, sign, minus, number, currency, minus, bracket."""
    point, group = rf"\{decimal}", rf"\{MARKS[decimal]}"
    forms = [rf"\d{{1,3}}(?:{mark}\d{{3}})+" for mark in (group, SPACE, APOSTROPHE)]
    grouped = "|".join([*forms, rf"\d{{1,2}}(?:{group}\d{{2}})+{group}\d{{3}}"])  # the last as in India: 1,23,456
    number = rf"(?:{grouped}|\d+)(?:{point}\d+)?|{point}\d+"
    before = rf"{SPACE}*(\()?{SPACE}*({MINUS}|\+)?{SPACE}*(?:{SIGN})?{SPACE}*({MINUS}|\+)?{SPACE}*"
    dash = r"[-\x{2013}\x{2014}]"
    round_amount = rf"(?:{point}?{dash}{{2}}|{point}{dash}|{point})?"  # Swiss and Austrian: 12.- and 12,--
    after = rf"{round_amount}{SPACE}*(?:{SIGN})?{SPACE}*({MINUS})?{SPACE}*(\))?{SPACE}*"
    return rf"{before}({number}){after}"


def parsed(cell: str, decimal: str) -> str:
    """Return the SQL of the double that a cell's text means under a decimal mark; null where it means none."""
    whole = literal(pattern(decimal))
    digits = f"regexp_extract({cell}, {whole}, 4)"
    others = literal(rf"[^0-9\{decimal}]")
    kept = f"regexp_replace({digits}, {others}, '', 'g')"
    plain = f"replace({kept}, ',', '.')" if decimal == "," else kept
    minuses = " + ".join(
        f"cast(regexp_extract({cell}, {whole}, {group}) in ('-', '\u2212') as integer)" for group in (2, 3, 5)
    )
    opened, closed = (f"(regexp_extract({cell}, {whole}, {group}) <> '')" for group in (1, 6))
    negative = f"({minuses} + cast({opened} as integer))"
    good = f"regexp_full_match({cell}, {whole}) and {opened} = {closed} and {negative} <= 1"
    return f"case when {good} then case when {negative} = 1 then -1 else 1 end * try_cast({plain} as double) end"


@dataclass
class NumberColumn:
    """What the cells of one text column tell of how its numbers are written; counts of several files add up."""

    name: str
    filled: int = 0
    plain: int = 0
    """Cells that DuckDB reads as they are."""

    dot: int = 0
    comma: int = 0
    """Cells in which this mark can only be the decimal one."""

    either_dot: int = 0
    either_comma: int = 0
    """Cells like 1.249 and 1,249, which are 1249 or 1 and a quarter."""

    signs: set[str] = field(default_factory=set)
    """Currency signs and codes in the cells."""

    def add(self, row: Sequence[object]) -> None:
        """Add one file's counts, in the order of `evidence`."""
        counts = [int(str(count)) for count in row[:6]]
        names = ("filled", "plain", "dot", "comma", "either_dot", "either_comma")
        for name, count in zip(names, counts, strict=True):
            setattr(self, name, getattr(self, name) + count)
        self.signs |= {str(sign) for sign in row[6] or ()}  # type: ignore[attr-defined] # a list of text

    @property
    def tells(self) -> bool:
        """Say whether the cells themselves tell the decimal mark, or need none."""
        return bool(self.dot or self.comma) or not (self.either_dot or self.either_comma)

    @classmethod
    def together(cls, columns: Sequence["NumberColumn"]) -> "NumberColumn":
        """Add up what several files tell of a column; files whose plain numbers need no mark speak for the dot."""
        total = cls(columns[0].name)
        for column in columns:
            for name in ("filled", "plain", "dot", "comma", "either_dot", "either_comma"):
                setattr(total, name, getattr(total, name) + getattr(column, name))
            total.signs |= column.signs
        return total

    def decide(self, of_map: str | None, places: int) -> tuple[str, str | None]:
        """Return the decimal mark and, where it had to be found out, the sentence that says so.

        SourceError when every cell can be read in two ways: nothing is guessed.
        """
        if of_map:
            return of_map, None
        if self.dot or self.comma:
            mark = "." if self.dot >= self.comma else ","
        elif self.either_dot or self.either_comma:
            mark = self._only(places)
        else:
            return ".", None
        if mark == "." and self.filled == self.plain:
            return ".", None
        other = self.comma if mark == "." else self.dot
        unlike = f"; {other} cells are written otherwise and were rejected" if other else ""
        return mark, (
            f'{self.name} was read with "{mark}" as decimal mark and "{MARKS[mark]}" for thousands, '
            f"as {max(self.dot, self.comma) or self.filled:,} of its cells show{unlike}; "
            f'say decimal = "{mark}" in the map'
        )

    def _only(self, places: int) -> str:
        one = self.either_dot if not self.either_comma else self.either_comma
        if places == 3 and not (self.either_dot and self.either_comma):  # noqa: PLR2004 - the currency's own three
            return "." if self.either_dot else ","
        example = "1.249" if self.either_dot else "1,249"
        raise SourceError(
            f"{self.name}: {one:,} cells like {example} can mean 1249 or 1 and 249 thousandths, and no other cell of "
            'the column tells; say decimal = "." or decimal = "," in the map'
        )


NUMBER = literal(rf"\d(?:[\d.,]|{SPACE}|{APOSTROPHE})*|[.,]\d+")
NOT_A_MARK = literal(rf"{SPACE}|{APOSTROPHE}|[.,]$")
DOT = literal(r".*\.\d{1,2}|.*\.\d{4,}|\d{4,}\.\d{3}|0?\.\d+|\d{1,3}(?:,\d{3})+\.\d*|\d{1,3}(?:,\d{3}){2,}")
COMMA = literal(r".*,\d{1,2}|.*,\d{4,}|\d{4,},\d{3}|0?,\d+|\d{1,3}(?:\.\d{3})+,\d*|\d{1,3}(?:\.\d{3}){2,}")
EITHER_DOT, EITHER_COMMA = literal(r"[1-9]\d{0,2}\.\d{3}"), literal(r"[1-9]\d{0,2},\d{3}")


def evidence(column: str) -> str:
    """Return the SQL aggregates of a column's text, in the order of `NumberColumn.add`."""
    digits = f"regexp_replace(regexp_extract({column}, {NUMBER}), {NOT_A_MARK}, '', 'g')"
    counts = [
        f"count(*) filter (regexp_full_match({digits}, {form}))" for form in (DOT, COMMA, EITHER_DOT, EITHER_COMMA)
    ]
    sign = literal(SIGN)
    odd = f"{column} is not null and try_cast({column} as double) is null and regexp_matches({column}, {sign})"
    signs = f"list(distinct regexp_extract({column}, {sign})) filter ({odd})"
    return ", ".join([f"count({column})", f"count(try_cast({column} as double))", *counts, signs])


def looks_like_number(cell: str) -> str:
    """Return the SQL that says whether a cell reads as an amount under either decimal mark."""
    marks = " or ".join(f"regexp_full_match({cell}, {literal(pattern(mark))})" for mark in MARKS)
    return f"({marks})"


EITHER = literal(r"[1-9]\d{0,2}[.,]\d{3}")


def look(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, NumberColumn], rows: str) -> None:
    """Add what the cells of text columns (quoted name: evidence so far) of the relation `rows` tell."""
    if not columns:
        return
    quick = ", ".join(
        f"count({name}), count(try_cast({name} as double)), count(*) filter (regexp_full_match(trim({name}), {EITHER}))"
        for name in columns
    )
    counts = connection.execute(f"select {quick} from {rows}").fetchall()[0]
    unclear = []
    for place, (name, column) in enumerate(columns.items()):
        filled, plain, either = counts[3 * place : 3 * place + 3]
        if filled == plain and not either:
            column.filled += filled
            column.plain += plain
        else:
            unclear.append(name)
    if unclear:
        row = connection.execute(f"select {', '.join(map(evidence, unclear))} from {rows}").fetchall()[0]
        for place, name in enumerate(unclear):
            columns[name].add(row[7 * place : 7 * place + 7])
