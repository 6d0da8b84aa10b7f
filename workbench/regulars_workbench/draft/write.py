"""The drafted map as TOML, with the evidence beside each guess and what is unsure on top."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from regulars.data.schema import ORDERS
from regulars.expressions.compiler import quoted
from regulars.ingest.report import counted
from regulars_workbench.draft.grain import Grain
from regulars_workbench.draft.guess import Guess, attributes, of, unpaid
from regulars_workbench.draft.profile import Column

TIMEZONE = '# timezone = "Europe/Berlin" # of times without an offset'
REST = 20
"""Columns that no guess reads are listed, up to so many."""


@dataclass(frozen=True)
class Draft:
    """What was found out about a file."""

    file: str
    rows: int
    columns: Sequence[Column]
    guesses: Sequence[Guess]
    grain: Grain
    currencies: dict[str, list[str]]
    """Columns that look like a currency, with their values."""

    @property
    def missing(self) -> list[str]:
        """The needed contract columns that nothing looks like."""
        found = {guess.key for guess in self.guesses}
        return [column.name for column in ORDERS.columns if column.needed and column.name not in found]

    @property
    def unsure(self) -> list[str]:
        """What the user has to decide, in sentences."""
        doubts = [f"{key}: no column looks like it; write it into the map" for key in self.missing]
        doubts += [f"{guess.key}: {doubt}" for guess in self.guesses for doubt in guess.doubts]
        doubts += [f"grain: {doubt}" for doubt in self.grain.doubts]
        doubts += [
            f'currency: "{column}" holds {", ".join(values[:5])}; keep one (where), bring [rates] or split the file'
            for column, values in self.currencies.items()
            if len(values) > 1
        ]
        if not self.currencies:
            doubts.append('currency: no column names it; say currency = "EUR" or another')
        doubts += [
            f'where: "{column.name}" has {_counts(values)}: leave them out if they are no paid orders'
            for column, values in unpaid(self.columns)
        ]
        return doubts


def text(draft: Draft) -> str:
    """Return the map as TOML that `regulars ingest --map` reads; incomplete where a needed column was not found."""
    lines = [f"# Drafted from the first {draft.rows:,} rows of {draft.file}. Check each line before you ingest."]
    lines += ["#", "# Unsure:", *(f"# - {doubt}" for doubt in draft.unsure)] if draft.unsure else []
    lines += ["", *_currency(draft), "", "[orders]", f"# {draft.grain.evidence}", f'grain = "{draft.grain.value}"']
    for guess in draft.guesses:
        lines += [f"# {_one_line(guess.evidence)}", f"{guess.key} = {toml(guess.expression)}"]
    lines += [f"# {key} = '...' # needed" for key in draft.missing]
    taken = " ".join(guess.expression for guess in draft.guesses)
    kept = attributes(draft.columns, taken)
    if kept:
        lines += ["", "[orders.attributes]"]
    for column in kept:
        lines += [f"# {_one_line(column.evidence)}", f"{_key(column.name)} = {toml(of(column.name))}"]
    for column, values in unpaid(draft.columns):
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value, _ in values)
        rule = toml(f"{quoted(column.name)} not in ({listed})")
        lines += ["", "# [orders.where]", f"# {_counts(values)}", f'# "paid, and no test" = {rule}']
    return "\n".join([*lines, *_rest(draft, taken + " ".join(column.name for column in kept)), ""])


def toml(value: str) -> str:
    """Write a string as TOML: without escapes where that can be had."""
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    return f"'''{value}'''" if "'" in value else f"'{value}'"


def _currency(draft: Draft) -> list[str]:
    for column, values in draft.currencies.items():
        if len(values) == 1 and re.fullmatch(r"[A-Z]{3}", values[0]):
            return [f'currency = "{values[0]}" # in all rows of "{_one_line(column)}"', TIMEZONE]
    return ['# currency = "EUR"', TIMEZONE]


def _rest(draft: Draft, taken: str) -> list[str]:
    rest = [column for column in draft.columns if column.name not in taken]
    listed = [f"# {_one_line(column.name)}: {_one_line(column.evidence)}" for column in rest[:REST]]
    more = [f"# and {len(rest) - REST} more"] if len(rest) > REST else []
    return ["", "# Not read:", *listed, *more] if rest else []


def _key(name: str) -> str:
    """Make an attribute's name of a column's: letters, digits and underscores."""
    key = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name.lower()).strip("_")
    clean = "_".join(part for part in key.split("_") if part)
    taken = {taken for column in ORDERS.columns for taken in (column.name, column.lake_name)}
    return f"column_{clean}" if clean in taken or not clean or clean[0].isdigit() else clean


def _counts(values: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{_one_line(value)} ({counted(count, 'row')})" for value, count in values[:5])


def _one_line(words: str) -> str:
    """Keep a comment on one line, whatever the cells hold."""
    line = " ".join(words.split())
    return "".join(letter for letter in line if letter.isprintable())[:300]
