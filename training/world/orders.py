"""When customers buy, for how much, and what comes back."""

import numpy as np
import polars as pl

from training.world.clock import Clock, Floats, Ints
from training.world.people import People

FIRST_ORDER = 0.85
"""Share of sign-ups that end in an order, a day later on average; the others may buy some day, or never."""
VALUE_SPREAD = 0.45
"""Sigma of the logarithm of one customer's order values around the own level."""
LEAST_VALUE = 100
DISCOUNTED, DISCOUNT = 0.22, (0.05, 0.25)
"""Share of orders with a discount, and its range as a part of the list value."""
MARGIN = (0.28, 0.52)
"""Range of the margin before the discount, as a part of the list value."""
EXTRA_ITEMS = 0.8
RETURNED, RETURN_DAYS = 0.04, 10.0
"""Share of orders that come back, and the mean days until they do."""


def orders(rng: np.random.Generator, clock: Clock, block: People) -> pl.DataFrame:
    """Make the lake's orders of a block of customers, by customer and time, returns among them.

    While a customer stays, orders are a Poisson process of the own rate (Schmittlein, Morrison & Colombo 1987), in the
    clock's shopping time; values are lognormal around the own level. Value and margin are after the discount.
    """
    who, when = _purchases(rng, clock, block)
    bought = pl.DataFrame(
        {
            "customer_id": "C" + block.ids.gather(who),
            "order_id": "O" + block.ids.gather(who) + "-" + _ordinal(who),
            "ordered_at": clock.stamps(when),
            **_amounts(rng, block.spend[who]),
        }
    )
    both = pl.concat([bought, _returns(rng, clock, bought, when)])
    return both.sort("customer_id", "ordered_at", "order_id")


def _purchases(rng: np.random.Generator, clock: Clock, block: People) -> tuple[Ints, Floats]:
    """Draw who buys when: place in the block and days since the start, by customer and time."""
    until = block.until(clock)
    expected = block.rate / 365.25 * (clock.shopping(until) - clock.shopping(block.joined))
    again = np.repeat(np.arange(len(block)), rng.poisson(expected))
    when = clock.draw(rng, block.joined[again], until[again])
    opening = block.joined + rng.exponential(size=len(block))
    starts = np.flatnonzero((rng.random(len(block)) < FIRST_ORDER) & (opening < until))
    who, when = np.concatenate([starts, again]), np.concatenate([opening[starts], when])
    order = np.lexsort((when, who))
    order = order[clock.inside(when[order])]
    return who[order], when[order]


def _ordinal(who: Ints) -> pl.Series:
    """Number each customer's orders from 1; `who` is sorted."""
    first = np.searchsorted(who, who, side="left")
    return pl.Series(np.arange(1, len(who) + 1) - first).cast(pl.String).str.zfill(4)


def _amounts(rng: np.random.Generator, level: Floats) -> dict[str, Ints | Floats | pl.Series]:
    """Draw value, quantity, discount and margin of orders at these levels, in minor units."""
    size = len(level)
    spread = np.exp(VALUE_SPREAD * rng.standard_normal(size) - VALUE_SPREAD**2 / 2)
    listed = np.maximum(level * spread, LEAST_VALUE)
    discount = np.rint(listed * rng.uniform(*DISCOUNT, size) * (rng.random(size) < DISCOUNTED)).astype(np.int64)
    value = np.rint(listed).astype(np.int64) - discount
    margin = np.rint(listed * rng.uniform(*MARGIN, size)).astype(np.int64) - discount
    return {
        "order_value_cents": value,
        "is_return": pl.repeat(value=False, n=size, eager=True),
        "quantity": rng.poisson(EXTRA_ITEMS, size).astype(np.float64) + 1,
        "discount_cents": discount,
        "margin_cents": margin,
    }


def _returns(rng: np.random.Generator, clock: Clock, bought: pl.DataFrame, when: Floats) -> pl.DataFrame:
    """Make the rows that take an order back whole, some days later: its id with an R, and its values negated."""
    back = when + 1 + rng.exponential(RETURN_DAYS - 1, len(when))
    chosen = np.flatnonzero((rng.random(len(when)) < RETURNED) & clock.inside(back))
    return bought[chosen].with_columns(
        pl.col("order_id") + "R",
        clock.stamps(back[chosen]).alias("ordered_at"),
        -pl.col("order_value_cents", "quantity", "discount_cents", "margin_cents"),
        is_return=pl.lit(value=True),
    )
