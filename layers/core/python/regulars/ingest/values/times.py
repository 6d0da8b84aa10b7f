"""Times written as text: one rule for a whole column, found in its cells where no map says it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from regulars.data.sql import literal
from regulars.errors import SourceError

ISO = "ISO"
"""The rule of cells such as 2024-03-31 18:05:00: the year first."""

SERIAL, SECONDS, MILLISECONDS = "Excel serial day", "seconds since 1970", "milliseconds since 1970"
BOUNDS = {SERIAL: (20_000, 80_000), SECONDS: (10**8, 7 * 10**9), MILLISECONDS: (10**11, 7 * 10**12)}
"""Between which numbers a column of numbers is such a time: days from 1954 to 2119, instants from 1973 to 2191."""

DAYS = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%Y%m%d",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%a, %d %b %Y",
    "%Y-%m-%d",
)  # fmt: skip
CLOCKS = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", ", %H:%M", ", %H:%M:%S", " %I:%M %p",
    " %I:%M:%S %p", ", %I:%M %p", ", %I:%M:%S %p", "%H%M%S", " %I:%M%p",
)  # fmt: skip
FORMATS = tuple(day + clock for day in DAYS for clock in CLOCKS)
SAMPLE = 500
"""Cells that choose which formats are tried on all."""

OFFSET = r"(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*([+-]\d{2}):?(\d{2})$"
DAY_ONLY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
MIDNIGHT = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[ T]00:00(?::00(?:\.0+)?)?)?"


QUICK = (
    "case when length(cell) <= 19 and not contains(cell, '+') then try_cast(cell as timestamp) "
    "else try_cast(try_cast(cell as timestamptz) at time zone 'UTC' as timestamp) end"
)
"""A cell as a time: without room for an offset beside day and time no calendar of time zones is needed."""


def tidy(cell: str) -> str:
    """Return the SQL of a cell in the ISO form that DuckDB reads: ` +0200` becomes `+02:00`, ` GMT` becomes Z."""
    trimmed = f"regexp_replace(trim({cell}), '\\s*(?:GMT|UTC)$', 'Z')"
    return f"regexp_replace({trimmed}, {literal(OFFSET)}, '\\1\\2:\\3')"


@dataclass
class TimeColumn:
    """What the cells of one time tell of how it is written; counts of several files add up."""

    name: str
    filled: int = 0
    iso: int = 0
    plain: int = 0
    """ISO cells that DuckDB reads as they are."""

    midnight: int = 0
    """ISO cells without a time of day, or at midnight."""

    fits: dict[str, int] = field(default_factory=dict)
    """Cells that each other rule reads."""

    differing: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of rules that read some cell differently."""

    @property
    def is_iso(self) -> bool:
        """Say whether no other rule reads more cells than the ISO form."""
        return self.iso == self.filled or self.iso >= max(self.fits.values(), default=0)

    @property
    def tells(self) -> bool:
        """Say whether the cells themselves tell the rule: no two fit them equally and differ."""
        if self.is_iso:
            return True
        most = max(self.fits.values())
        best = [rule for rule, count in self.fits.items() if count == most]
        return not any((best[0], rule) in self.differing for rule in best[1:])

    @classmethod
    def together(cls, columns: Sequence["TimeColumn"]) -> "TimeColumn":
        """Add up what several files tell of a time, of the rules that each of them has tried."""
        total = cls(columns[0].name)
        tried = [set(column.fits) for column in columns if column.fits]
        for column in columns:
            for name in ("filled", "iso", "plain", "midnight"):
                setattr(total, name, getattr(total, name) + getattr(column, name))
            total.differing |= column.differing
        common = sorted(set.intersection(*tried)) if tried else []
        total.fits = {rule: sum(column.fits.get(rule, 0) for column in columns) for rule in common}
        return total

    def decide(self) -> tuple[str, str | None]:
        """Return the rule, and the sentence that says it; SourceError when two rules fit and read cells differently."""
        if self.is_iso:
            return ISO, None
        most = max(self.fits.values())
        best = [rule for rule, count in self.fits.items() if count == most]
        rival = next((rule for rule in best[1:] if (best[0], rule) in self.differing), None)
        if rival:
            raise SourceError(
                f"{self.name}: {best[0]} and {rival} both read all of its {most:,} cells, and not as the same days; "
                f'say date_format = "{best[0]}" or "{rival}" in the map'
            )
        what = f'date_format = "{best[0]}"' if best[0].startswith("%") else best[0]
        rest = f" ({self.filled - most:,} do not fit and were rejected)" if most < self.filled else ""
        return best[0], f"{self.name} was read as {what}, which fits {most:,} of its {self.filled:,} cells{rest}"

    def days_only(self, rule: str) -> bool:
        """Say whether the column holds days, not instants: no cell has a time of day."""
        if rule == ISO:
            return bool(self.filled) and self.midnight == self.iso
        return rule == SERIAL or (rule.startswith("%") and "%H" not in rule and "%I" not in rule)


def look(connection: duckdb.DuckDBPyConnection, column: TimeColumn, cell: str, rows: str) -> None:
    """Add what the cells `cell` (SQL, text) of the relation `rows` tell."""
    counts = connection.execute(
        # Calendars of time zones and regular expressions are slow: only cells that need them are asked.
        f"select count(cell), {_dated(QUICK)}, "
        f"count(*) filter (case when length(cell) <= 10 or contains(cell, '00:00') "
        f"then regexp_full_match(cell, {literal(MIDNIGHT)}) else false end) "
        f"from (select nullif(trim({cell}), '') as cell from {rows})"
    ).fetchall()[0]
    filled, plain, midnight = map(int, counts)
    iso = plain
    if plain < filled:
        tidied = _dated(f"try_cast({tidy('cell')} as timestamptz)")
        query = f"select {tidied} from (select {cell} as cell from {rows})"
        iso = int(connection.execute(query).fetchall()[0][0])
    column.filled += filled
    column.plain += plain
    column.iso += iso
    column.midnight += midnight
    if iso < filled or column.fits:
        _other_rules(connection, column, f"(select nullif(trim({cell}), '') as cell from {rows})")


def _other_rules(connection: duckdb.DuckDBPyConnection, column: TimeColumn, cells: str) -> None:
    """Count what each other rule reads, of the formats those that read most of a sample."""
    sample = f"(select cell from {cells} where cell is not null limit {SAMPLE})"
    tried = ", ".join(map(_fitting, FORMATS))
    counts = connection.execute(f"select count(*), {tried} from {sample}").fetchall()[0]
    likely = [rule for rule, count in zip(FORMATS, counts[1:], strict=True) if count > counts[0] / 2]
    numeric = [f"count(*) filter (try_cast(cell as double) between {low} and {high})" for low, high in BOUNDS.values()]
    fitting = [_fitting(rule) for rule in likely]
    pairs = [(one, other) for place, one in enumerate(likely) for other in likely[place + 1 :]]
    apart = [
        f"count(*) filter (try_strptime(cell, {literal(one)}) <> try_strptime(cell, {literal(other)}))"
        for one, other in pairs
    ]
    row = connection.execute(f"select {', '.join([*numeric, *fitting, *apart])} from {cells}").fetchall()[0]
    for rule, count in zip([*BOUNDS, *likely], row, strict=False):
        column.fits[rule] = column.fits.get(rule, 0) + int(count)
    for pair, count in zip(pairs, row[len(numeric) + len(fitting) :], strict=True):
        if count:
            column.differing.add(pair)


def _fitting(rule: str) -> str:
    """Count the cells that a format reads."""
    return _dated(f"try_strptime(cell, {literal(rule)})")


def _dated(time: str) -> str:
    """Count the cells that are a time of a year with four digits: 25/01/24 is no day of the year 25."""
    return f"count(case when {time} >= timestamp '1000-01-01' then 1 end)"  # plans in half the time of a filter


def fitting(column: TimeColumn) -> Sequence[str]:
    """Return the formats that read every cell: what a message may propose."""
    return [rule for rule, count in column.fits.items() if count == column.filled and rule.startswith("%")]


def raw_time(cell: str, rule: str, *, plain: bool = False) -> tuple[str, str]:
    """Return the SQL that reads a text by a rule, and the DuckDB type of what it gives.

    `plain` ISO cells are read as they are: quicker.
    """
    if rule == ISO:
        return (f"trim({cell})" if plain else tidy(cell)), "VARCHAR"
    number = f"try_cast(trim({cell}) as double)"
    low, high = BOUNDS.get(rule, (0, 0))
    bounded = f"case when {number} between {low} and {high} then {number} end"
    if rule == SERIAL:  # day 0 of Excel's calendar is 1899-12-30, after its leap year that never was
        return f"timestamp '1899-12-30' + to_milliseconds(cast(round({bounded} * 86400000) as bigint))", "TIMESTAMP"
    if rule in (SECONDS, MILLISECONDS):
        scale = 1_000_000 if rule == SECONDS else 1_000
        return f"make_timestamptz(cast(round({bounded} * {scale}) as bigint))", "TIMESTAMP WITH TIME ZONE"
    return f"try_strptime(trim({cell}), {literal(rule)})", "TIMESTAMP"
