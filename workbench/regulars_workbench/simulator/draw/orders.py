"""When customers buy, for how much, and which orders they return."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from regulars_workbench.simulator.clock import DAY_S, YEAR, Clock, Floats, Ints
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.rows import keys, ordinals, pick, seconds_of, who_of
from regulars_workbench.simulator.shop import Shop

LEAST_VALUE = 100
FACES = 1 << 16
"""Choices among few outcomes are drawn with dice of 65,536 faces and a table, ten times as fast as exact samplers."""


class Orders(NamedTuple):
    """A block's orders without returns, by customer and time. `who` is the customer's place."""

    who: Ints
    seconds: Ints
    value: Ints
    discount: Ints
    margin: Ints
    quantity: Floats


def purchases(rng: np.random.Generator, clock: Clock, shop: Shop, block: People, extra: Ints) -> Ints:
    """Draw who buys when, as sorted keys. `extra` are the keys of orders that treatments caused.

    While customers stay, they order by a Poisson process with a rate of their own in shopping time (Schmittlein,
    Morrison & Colombo 1987). With `regularity` k they order at every k-th event of a process k times as fast, so gaps
    are Erlang (Platzer & Reutterer 2016, Ticking Away the Moments, Marketing Science 35(5)).
    """
    until, size = block.until(clock), len(block)
    opening = block.joined + rng.standard_exponential(size)
    opens = (rng.random(size) < shop.first_order) & (opening < until)
    since = np.where(opens, opening, block.joined)
    mean = shop.regularity * block.rate / YEAR * (clock.shopping(until) - clock.shopping(since))
    count = rng.poisson(np.maximum(mean, 0.0))
    again = keys(np.repeat(np.arange(size), count), clock.draw(rng, since, until, count))
    if shop.regularity > 1:
        again.sort()
        again = again[ordinals(who_of(again), size) % shop.regularity == shop.regularity - 1]
    starts = np.flatnonzero(opens)
    key = np.concatenate([again, keys(starts, clock.whole(opening[starts])), extra])
    key.sort()
    return key


def orders(rng: np.random.Generator, shop: Shop, block: People, key: Ints) -> Orders:
    """Draw value, discount, margin and quantity of the orders. Values are lognormal around the customer's level."""
    who, size = who_of(key), len(key)
    dice = rng.integers(0, FACES, (4, size), dtype=np.uint16)
    listed = rng.standard_normal(size, dtype=np.float32)
    listed *= np.float32(shop.value_spread)
    np.exp(listed, out=listed)
    listed *= (block.spend * np.exp(-(shop.value_spread**2) / 2)).astype(np.float32)[who]
    np.maximum(listed, LEAST_VALUE, out=listed)
    keen = (2 * shop.discounted * FACES * block.price_sensitivity).astype(np.float32)[who]
    part = _range(*shop.discount)[dice[1]] * (dice[0] < keen)
    discount = np.rint(listed * part).astype(np.int64)
    margin = np.rint(listed * _range(*shop.margin)[dice[2]]).astype(np.int64) - discount
    value = np.rint(listed).astype(np.int64) - discount
    return Orders(who, seconds_of(key), value, discount, margin, _quantities(shop.extra_items)[dice[3]])


def returns(rng: np.random.Generator, clock: Clock, shop: Shop, drawn: Orders) -> tuple[Ints, Ints]:
    """Draw which whole orders are returned, at least a day later: their places, and the sorted keys of the returns."""
    chosen = np.flatnonzero(rng.integers(0, FACES, len(drawn.who), dtype=np.uint16) < shop.returned * FACES)
    delay = DAY_S * (1 + (shop.return_days - 1) * rng.standard_exponential(len(chosen)))
    back = drawn.seconds[chosen] + np.ceil(delay).astype(np.int64)
    inside = back < clock.seconds
    chosen, key = chosen[inside], keys(drawn.who[chosen[inside]], back[inside])
    order = np.argsort(key, kind="stable")
    return chosen[order], key[order]


def frame(clock: Clock, block: People, drawn: Orders, back: tuple[Ints, Ints]) -> pl.DataFrame:
    """Make the lake's orders, by customer and time. A return has its order's id with an R, and negative amounts."""
    chosen, back_key = back
    # `place`: where each return is inserted. `source`: the order that each row copies.
    place = np.searchsorted(keys(drawn.who, drawn.seconds), back_key, side="right")
    source = np.insert(np.arange(len(drawn.who)), place, chosen)
    is_return = np.zeros(len(source), dtype=np.bool_)
    is_return[place + np.arange(len(place))] = True
    seconds = drawn.seconds[source]
    seconds[is_return] = seconds_of(back_key)
    sign = np.where(is_return, -1, 1)
    who = drawn.who[source].astype(np.uint32)
    number = ordinals(drawn.who, len(block))
    names = _names(1 << max(4, int(number.max(initial=0) + 1).bit_length()))
    label = number[source] + is_return * (len(names) // 2)
    return pl.DataFrame(
        {
            "customer_id": pick("C" + block.ids, who),
            "order_id": pick("O" + block.ids + "-", who) + pick(names, label.astype(np.uint32)),
            "ordered_at": clock.stamps(seconds),
            "order_value_cents": drawn.value[source] * sign,
            "is_return": is_return,
            "quantity": drawn.quantity[source] * sign,
            "discount_cents": drawn.discount[source] * sign,
            "margin_cents": drawn.margin[source] * sign,
        }
    )


@lru_cache(maxsize=16)
def _names(size: int) -> pl.Series:
    """Make the endings of order ids: 0001 and so on, then the same for returns."""
    numbers = pl.Series(range(1, size + 1)).cast(pl.String).str.zfill(4)
    return pl.concat([numbers, numbers + "R"])


@lru_cache(maxsize=16)
def _range(low: float, high: float) -> npt.NDArray[np.float32]:
    return (low + (high - low) * (np.arange(FACES) + 0.5) / FACES).astype(np.float32)


@lru_cache(maxsize=16)
def _quantities(extra: float) -> Floats:
    """Return 1 + Poisson(`extra`) for each face of the die."""
    terms = np.arange(40)
    logs = terms * np.log(extra) - extra - np.cumsum(np.log(np.maximum(terms, 1)))
    extras = np.searchsorted(np.cumsum(np.exp(logs)), (np.arange(FACES) + 0.5) / FACES)
    return np.asarray(1 + extras, dtype=np.float64)
