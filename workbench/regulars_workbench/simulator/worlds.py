"""A world: its description, its clocks, its tail index, and the tables of one block of customers."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import TypeAdapter, ValidationError

from regulars.errors import LakeError
from regulars_workbench.simulator.clock import Clock, Floats
from regulars_workbench.simulator.draw import events, orders, people, treatments
from regulars_workbench.simulator.shop import Shop
from regulars_workbench.simulator.truth import truth
from regulars_workbench.simulator.truth.oracle import NODES

BEST = 5
"""One buyer in five is among the best, whose share of revenue is given."""
SAMPLE = 40_000
STEEP, FLAT = 1.02, 12.0
"""Lowest and highest tail index of the search."""
DESCRIPTION = "world.json"


@dataclass(frozen=True)
class Tail:
    """Inequality of a world: the Pareto index of spend levels, and the resulting share of the best fifth and Gini."""

    index: float
    share: float
    gini: float


@dataclass(frozen=True)
class World:
    """The description of a world, written to truth/world.json."""

    kind: str
    seed: int
    customers: int
    start: date
    end: date
    currency: str
    shop: Shop
    tail: Tail

    def clock(self) -> Clock:
        """Make the clock of the log."""
        return Clock.between(self.start, self.end, self.shop)

    def ahead(self, day: float) -> Clock:
        """Make the clock from `day` on, as long as the longest horizon."""
        first = self.start + timedelta(days=day)
        return Clock.between(first, first + timedelta(days=NODES[-1]), self.shop)

    def write(self, folder: Path) -> None:
        """Write the description into `folder`."""
        (folder / DESCRIPTION).write_bytes(TypeAdapter(World).dump_json(self, indent=2) + b"\n")

    @staticmethod
    def read(lake: Path) -> "World":
        """Read the description of a simulated lake; LakeError when there is none."""
        file = lake / "truth" / DESCRIPTION
        if not file.exists():
            raise LakeError(f'no truth at {file}: only a lake made by "regulars simulate" can be checked')
        try:
            return TypeAdapter(World).validate_json(file.read_bytes())
        except ValidationError as error:
            raise LakeError(f"{file} is of another version of Regulars; simulate again") from error


@dataclass(frozen=True)
class Maker:
    """Draws blocks of customers of one world. The clocks are made once."""

    world: World
    clock: Clock
    growing: Clock
    ahead: Clock

    @classmethod
    def of(cls, world: World) -> "Maker":
        """Make the clocks of a world."""
        growing = Clock.between(world.start, world.end, world.shop, world.shop.growth)
        clock = world.clock()
        return cls(world, clock, growing, world.ahead(clock.days))

    def block(self, number: int, numbers: range) -> dict[str, pl.DataFrame]:
        """Draw the tables of one block of customers, by folder, from the block's own random stream."""
        rng = np.random.default_rng(np.random.SeedSequence(self.world.seed, spawn_key=(number,)))
        shop, clock = self.world.shop, self.clock
        signed_up = people.people(rng, self.growing, shop, self.world.tail.index, numbers)
        block, treated, extra = treatments.treat(rng, clock, signed_up)
        key = orders.purchases(rng, clock, shop, block, extra)
        drawn = orders.orders(rng, shop, block, key)
        worth, response = truth.value(shop, clock, self.ahead, block, drawn)
        return {
            "customers": people.customers(block, clock, shop),
            "orders": orders.frame(clock, block, drawn, orders.returns(rng, clock, shop, drawn)),
            "events": events.events(rng, clock, shop, block, key),
            "treatments": treatments.frame(clock, block, treated),
            "truth/customers": truth.customers(clock, block, drawn),
            "truth/alive": truth.alive(clock, block),
            "truth/value": worth,
            "truth/response": response,
            "truth/treatments": treatments.truth(clock, block, treated),
        }


TABLES = ("customers", "orders", "events", "treatments")
TRUTHS = ("truth/customers", "truth/alive", "truth/value", "truth/response", "truth/treatments")


@lru_cache(maxsize=16)
def tail_of(shop: Shop, start: date, end: date) -> Tail:
    """Return the Pareto index for which the best fifth of the buyers brings `shop.top_share`, or the nearest share.

    Found by bisection on one sample of customers: numbers of orders vary too, so there is no closed form. A Pareto law
    alone would give the share 0.2 ** (1 - 1 / index).
    """
    rng = np.random.default_rng(0)
    clock = Clock.between(start, end, shop)
    drawn = people.people(rng, Clock.between(start, end, shop, shop.growth), shop, FLAT, range(1, SAMPLE + 1))
    opened = rng.random(SAMPLE) < shop.first_order
    spans = clock.shopping(drawn.until(clock)) - clock.shopping(drawn.joined)
    bought = opened + rng.poisson(drawn.rate / 365.25 * spans)
    # The mean of n lognormal values is about lognormal (Fenton 1960). This is the noise that adds to the inequality.
    spread = np.sqrt(np.log1p(np.expm1(shop.value_spread**2) / np.maximum(bought, 1)))
    bought = bought * np.exp(spread * rng.standard_normal(SAMPLE) - spread**2 / 2)
    above = (drawn.spend / shop.spend_floor) ** -FLAT
    low, high = STEEP, FLAT
    while high - low > 1e-4:  # noqa: PLR2004 - far below what a world can show
        middle = (low + high) / 2
        steep = _share(bought * people.levels(above, shop, middle)) > shop.top_share
        low, high = (middle, high) if steep else (low, middle)
    revenue = bought * people.levels(above, shop, low)
    return Tail(low, _share(revenue), gini(revenue))


def _share(revenue: Floats) -> float:
    """Return the share of the best fifth of those with revenue."""
    spent = np.sort(revenue[revenue > 0])[::-1]
    return float(spent[: len(spent) // BEST].sum() / spent.sum())


def gini(revenue: Floats) -> float:
    """Return the Gini coefficient of the positive amounts."""
    spent = np.sort(revenue[revenue > 0])
    ranks = np.arange(1, len(spent) + 1)
    return float((2 * ranks - len(spent) - 1) @ spent / (len(spent) * spent.sum()))
