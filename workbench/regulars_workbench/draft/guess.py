"""Which column is what: the likeliest one for each contract column, its evidence, and what else it could be."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from regulars.expressions.compiler import quoted
from regulars.ingest.report import counted
from regulars_workbench.draft import names
from regulars_workbench.draft.profile import FEW, Column

MOSTLY = 0.8
"""Share of a column's cells that must parse."""

CLOSE = 1.0
"""A column whose score is so close to the best one's is named as an alternative."""

MOST_ATTRIBUTES = 8


@dataclass(frozen=True)
class Guess:
    """A contract column as an expression over the file's columns, why, and what is unsure about it."""

    key: str
    expression: str
    evidence: str
    doubts: tuple[str, ...] = ()


def of(name: str) -> str:
    """Return a column as a whole expression, which needs no quotes around plain words."""
    return name if re.fullmatch(r"[^\W\d]\w*", name) else quoted(name)


def guesses(columns: Sequence[Column]) -> Iterator[Guess]:
    """Yield a guess for each contract column that some column of the file may be."""
    order = _best(columns, _order_id)
    time = _best(columns, _time)
    taken = {column.name for column in (*order[:1], *time[:1])}
    yield from _guess("order_id", order)
    yield from _customer([column for column in columns if column.name not in taken])
    yield from _guess("ordered_at", time)
    yield from _amount(columns)
    yield from _return(columns)
    yield from _guess("quantity", _best(columns, _quantity))


def _best(columns: Sequence[Column], score: Callable[[Column], float]) -> list[Column]:
    """Return the columns that score above 0, best first; of equal ones the first of the file."""
    scored = sorted(columns, key=score, reverse=True)
    best = [column for column in scored if score(column) > 0]
    return [column for column in best if score(best[0]) - score(column) < CLOSE]


def _guess(key: str, best: Sequence[Column]) -> Iterator[Guess]:
    if best:
        others = tuple(f'"{other.name}" could be it too: {other.evidence}' for other in best[1:3])
        yield Guess(key, of(best[0].name), best[0].evidence, others)


def _customer(columns: Sequence[Column]) -> Iterator[Guess]:
    best = _best(columns, _customer_id)
    for guess in _guess("customer_id", best):
        email = names.EMAIL.search(best[0].name)
        blank = best[0].rows - best[0].filled
        doubts = list(guess.doubts)
        doubts += [f"{counted(blank, 'row')} without one would be rejected"] if blank else []
        doubts += ["a name is no id: two people with one name count as one"] if _is_name(best[0]) else []
        # An address is the same person however it is typed.
        expression = f"lower({quoted(best[0].name)})" if email else guess.expression
        yield Guess(guess.key, expression, guess.evidence, tuple(doubts))


def _is_name(column: Column) -> bool:
    return bool(names.PERSON_NAME.search(column.name)) and "user" not in column.name.lower()


def _customer_id(column: Column) -> float:
    if not names.CUSTOMER.search(column.name) or not column.filled or column.distinct < 2:  # noqa: PLR2004 - one id is a constant
        return 0.0
    against = 3 * bool(names.NOT_CUSTOMER.search(column.name)) + 1.5 * _is_name(column) + column.times
    has_id = bool(re.search(r"id\b|no\b|nr\b|number|nummer|key|code", column.name, re.IGNORECASE))
    return 2 * column.fill + has_id + bool(names.EMAIL.search(column.name)) - against


def _time(column: Column) -> float:
    if column.times < MOSTLY:
        return 0.0
    named = bool(names.TIME.search(column.name)) + bool(names.BEST_TIME.search(column.name))
    return max(0.1, column.times + column.fill + named - 2 * bool(names.NOT_TIME.search(column.name)))


def _order_id(column: Column) -> float:
    if not names.ORDER_ID.search(column.name) or column.distinct < column.filled * 0.05 or column.decimals > MOSTLY:
        return 0.0
    against = 2 * bool(names.NOT_ORDER_ID.search(column.name)) + 2 * (column.times >= MOSTLY)
    return 1 + 2 * column.fill - against


def _quantity(column: Column) -> float:
    return float(bool(names.QUANTITY.search(column.name)) and column.numbers >= MOSTLY)


def _money(column: Column) -> float:
    if column.numbers < MOSTLY or column.times >= MOSTLY or not names.AMOUNT.search(column.name):
        return 0.0
    if names.NOT_AMOUNT.search(column.name):
        return 0.0
    return 1 + column.fill + column.decimals + bool(names.BEST_AMOUNT.search(column.name))


def _amount(columns: Sequence[Column]) -> Iterator[Guess]:
    """Prefer an amount of the whole row; a unit's price is multiplied by the quantity."""
    whole = _best([column for column in columns if not names.UNIT_PRICE.search(column.name)], _money)
    if whole:
        yield from _guess("order_value", whole)
        return
    price, quantity = _best(columns, _money), _best(columns, _quantity)
    if price and quantity:
        doubt = f'"{price[0].name}" looks like the price of one unit: if it is of the whole row, do not multiply'
        evidence = f"{price[0].evidence}; times {quantity[0].name}"
        yield Guess("order_value", f"{quoted(quantity[0].name)} * {quoted(price[0].name)}", evidence, (doubt,))
        return
    yield from _guess("order_value", price)


def _return(columns: Sequence[Column]) -> Iterator[Guess]:
    for column in columns:
        marked = [(value, count) for value, count in column.values if re.search(names.RETURNED, value, re.IGNORECASE)]
        if marked and names.STATUS.search(column.name) and len(marked) < len(column.values):
            found = ", ".join(f"{value} ({count:,})" for value, count in marked[:5])
            expression = f"regexp_matches({quoted(column.name)}, '(?i){names.RETURNED}')"
            doubt = "right if such a row is the refund itself; an order that was refunded later needs refund instead"
            yield Guess("is_return", expression, f"{column.name} is {found}", (doubt,))
            return


def unpaid(columns: Sequence[Column]) -> list[tuple[Column, list[tuple[str, int]]]]:
    """Return the columns with values that sound like orders that never were, with these values."""
    found = []
    for column in columns:
        values = [(value, count) for value, count in column.values if names.UNPAID.search(value)]
        if values and names.STATUS.search(column.name):
            found.append((column, values))
    return found


def attributes(columns: Sequence[Column], taken: str) -> list[Column]:
    """Return the columns worth keeping: filled text of few values that no guess reads."""
    return [
        column
        for column in columns
        if 1 < column.distinct < FEW
        and column.fill > 1 / 2
        and max(column.numbers, column.times) < 1 / 2
        and column.distinct < column.filled / 2
        and column.name not in taken
        and not names.NOT_ATTRIBUTE.search(column.name)
    ][:MOST_ATTRIBUTES]
