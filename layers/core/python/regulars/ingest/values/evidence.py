"""How the cells of a table's files are written: the evidence of each file, and what is decided from all of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import duckdb

from regulars.data.schema import minor_units
from regulars.expressions.compiler import quoted
from regulars.ingest.mapping import Mapping
from regulars.ingest.values import currencies, numbers, times
from regulars.ingest.values.numbers import NumberColumn
from regulars.ingest.values.times import TimeColumn
from regulars.ingest.values.values import TimeRule


@dataclass
class Evidence:
    """What one file's cells tell of how they are written, and what was decided from that."""

    numbers: dict[str, NumberColumn] = field(default_factory=dict)
    times: dict[str, TimeColumn] = field(default_factory=dict)
    rules: dict[str, TimeRule] = field(default_factory=dict)
    decimals: dict[str, str] = field(default_factory=dict)
    """The decimal mark of each text column whose numbers DuckDB does not read as they are."""

    def look_at_numbers(self, connection: duckdb.DuckDBPyConnection, names: Iterable[str], rows: str) -> None:
        """Add what the cells of text columns with numbers tell."""
        self.numbers = {name: NumberColumn(name) for name in sorted(names)}
        numbers.look(connection, {quoted(name): column for name, column in self.numbers.items()}, rows)

    def look_at_time(self, connection: duckdb.DuckDBPyConnection, name: str, sql: str, kind: str, rows: str) -> None:
        """Add what the cells of a time tell, whose expression is of a DuckDB type."""
        seen = self.times.setdefault(name, TimeColumn(name))
        if kind == "VARCHAR":
            times.look(connection, seen, sql, rows)
        elif kind.startswith(("TIMESTAMP", "DATE")) and kind != "TIMESTAMP WITH TIME ZONE":
            value = f"cast({sql} as timestamp)"
            query = f"select count({value}), count(*) filter (date_trunc('day', {value}) = {value}) from {rows}"
            filled, midnight = connection.execute(query).fetchall()[0]
            seen.filled, seen.iso = seen.filled + filled, seen.iso + filled
            seen.plain, seen.midnight = seen.plain + filled, seen.midnight + midnight


def decide(evidence: Sequence[Evidence], mapping: Mapping) -> list[str]:
    """Settle how each file's cells are written, and return what had to be found out, in sentences.

    A file decides for itself where its cells tell; else all files of the table do. SourceError when cells can mean two
    things.
    """
    decisions: dict[str, None] = {}
    places = len(str(10 ** minor_units(mapping.currency))) - 1
    for seen in evidence:
        for name, column in seen.numbers.items():
            alike = [other.numbers[name] for other in evidence if name in other.numbers]
            whole = NumberColumn.together(alike)
            mark, sentence = (column if column.tells else whole).decide(mapping.decimal, places)
            if mark == "," or column.plain < column.filled:
                seen.decimals[name] = mark
            currencies.check_signs(name, whole.signs)
            decisions |= {sentence: None} if sentence else {}
        for name, time in seen.times.items():
            whole_time = TimeColumn.together([other.times[name] for other in evidence if name in other.times])
            seen.rules[name], sentence = _time_rule(time if time.tells else whole_time, mapping.date_format)
            decisions |= {sentence: None} if sentence else {}
    return list(decisions)


def _time_rule(seen: TimeColumn, date_format: str | None) -> tuple[TimeRule, str | None]:
    if not date_format:
        rule, sentence = seen.decide()
        plain = seen.plain == seen.filled
        return TimeRule(rule, plain, seen.days_only(rule), ""), sentence
    days = TimeColumn("").days_only(date_format) if "%" in date_format else False
    fits = [rule for rule in times.fitting(seen) if rule != date_format]
    hint = f"; date_format = {fits[0]} fits every cell" if fits and seen.fits.get(date_format, 0) < seen.filled else ""
    return TimeRule(date_format, days=days, hint=hint), None
