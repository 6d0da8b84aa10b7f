"""Currencies of rows: found where no map says them, and turned into the map's own by rates."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from regulars.data.schema import NO_CURRENCY
from regulars.data.sql import literal
from regulars.errors import MapError, SourceError
from regulars.expressions.compiler import Source, quoted
from regulars.text import shown

NAMED = re.compile(r"curr|w(?:ä|ae)hrung|devise|moneda|valuta|divisa|moeda", re.IGNORECASE)
CODES = frozenset(
    re.findall(
        r"[A-Z]{3}",
        """
        AED ARS AUD BGN BHD BIF BRL CAD CHF CLP CNY COP CRC CZK DJF DKK DZD EGP EUR GBP GEL GHS GNF HKD HUF IDR ILS INR
        IQD ISK JMD JOD JPY KES KMF KRW KWD KZT LKR LYD MAD MUR MXN MYR NGN NOK NZD OMR PEN PHP PKR PLN PYG QAR RON RSD
        RUB RWF SAR SEK SGD THB TND TRY TWD UAH UGX USD UYU VND VUV XAF XOF XPF ZAR
        """,
    )
)
"""Codes by which a column of text is taken for a currency, whatever its name."""

SAMPLE = 200
MOST = 20
WAYS_OUT = (
    'keep one of them with a rule (where), bring rates (currency = "{column}" in [orders] and a table [rates]), '
    "or make a lake of each"
)


def columns(
    connection: duckdb.DuckDBPyConnection, source: Source, read: frozenset[str], rows: str
) -> dict[str, set[str]]:
    """Return the columns that look like a currency and that the map does not read, with their values in capitals."""
    texts = [name for name, kind in source.columns.items() if kind == "VARCHAR" and name not in read]
    if not texts:
        return {}
    unnamed = [name for name in texts if not NAMED.search(name)]
    likely = [name for name in texts if NAMED.search(name)]
    if unnamed:
        likely += _of_codes(connection, unnamed, rows)
    return {name: _values(connection, name, rows) for name in likely}


def _of_codes(connection: duckdb.DuckDBPyConnection, names: list[str], rows: str) -> list[str]:
    """Return the columns whose cells are all codes of currencies, as far as the first rows tell."""
    cells = f"select {', '.join(map(quoted, names))} from {rows} limit {SAMPLE}"
    codes = ", ".join(map(literal, sorted(CODES)))
    # One test of all cells below each other: a test for each of 2,000 columns takes 15 seconds to plan.
    query = f"""select name from (unpivot ({cells}) on columns(*) into name name value cell)
        group by name having bool_and(upper(trim(cell)) in ({codes}))"""
    matching = {row[0] for row in connection.execute(query).fetchall()}
    return [name for name in names if name in matching]


def _values(connection: duckdb.DuckDBPyConnection, name: str, rows: str) -> set[str]:
    value = f"upper(trim({quoted(name)}))"
    query = f"select distinct {value} from {rows} where {value} <> '' limit {MOST}"
    return {str(row[0]) for row in connection.execute(query).fetchall()}


def settle(found: Mapping[str, set[str]], of_map: str) -> tuple[str, str | None]:
    """Return the currency of all amounts, and the sentence that says it was found; SourceError when there are several.

    `of_map` is the map's. A column whose values are no codes of currencies is none.
    """
    for column, values in found.items():
        codes = sorted(values)
        if not all(re.fullmatch(r"[A-Z]{3}|\W{1,3}|[A-Z]{0,2}\$", value) for value in codes) or not codes:
            continue
        if len(codes) > 1:
            raise SourceError(
                f"the column {shown(column)} holds several currencies ({', '.join(codes[:5])}), whose amounts cannot "
                f"be added up; {WAYS_OUT.format(column=column)}"
            )
        if not codes[0].isalpha():  # a sign such as $ is of several currencies
            continue
        if of_map not in (NO_CURRENCY, codes[0]):
            raise SourceError(
                f"the column {shown(column)} says {codes[0]}, the map {of_map}; correct the map, or bring rates"
            )
        if of_map == NO_CURRENCY:
            return codes[0], f'amounts are in {codes[0]}, as the column "{column}" says; say currency in the map'
    return of_map, None


def check_signs(name: str, signs: set[str]) -> None:
    """Refuse a column of amounts with several currency signs: SourceError."""
    if len(signs) > 1:
        raise SourceError(
            f"{name} holds amounts in several currencies ({', '.join(sorted(signs)[:5])}), which cannot be added up; "
            "keep one of them with a rule (where), or make a lake of each"
        )


def rate(currency: str, instant: str, rates: Mapping[str, Any], target: str) -> str:
    """Return the SQL of what one unit of the currency `currency` (SQL) is worth in `target` at `instant` (SQL).

    A rate is a number, or a table from the first day on which it holds to the number. MapError when it is neither.
    """
    branches = {target: "1.0"} | {code.upper(): _rate(code, value, instant) for code, value in rates.items()}
    cases = " ".join(f"when {literal(code)} then {value}" for code, value in branches.items())
    return f"case upper(trim({currency})) {cases} end"


def _rate(code: str, value: Any, instant: str) -> str:  # noqa: ANN401 - what TOML gives
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return repr(float(value))
    if isinstance(value, dict) and value:
        try:
            steps = sorted((date.fromisoformat(str(day)), float(number)) for day, number in value.items())
        except (TypeError, ValueError) as error:
            raise MapError(f"[rates] {code}: {error}; write days as 2024-01-31 and rates as numbers") from error
        if all(number > 0 for _, number in steps):
            cases = " ".join(f"when {instant} >= timestamp '{day}' then {number!r}" for day, number in reversed(steps))
            return f"case {cases} end"
    raise MapError(f"[rates] {code} = {shown(value)} must be a number above 0, or a table from days to such numbers")
