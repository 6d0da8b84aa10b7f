"""Past campaigns with randomised control arms, and the response of the four groups of uplift modelling.

The groups are those of Kane, Lo & Zheng (2014), Mining for the truly responsive customers, Journal of Marketing
Analytics 2(4): persuadables, sure things, lost causes, sleeping dogs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from regulars_workbench.simulator.clock import DAY_S, YEAR, Clock, Flags, Floats, Ints
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.rows import keys, pick
from regulars_workbench.simulator.shop import Shop

GROUPS = ("lost_cause", "persuadable", "sure_thing", "sleeping_dog")
LOST, PERSUADABLE, SURE, DOG = range(4)
WINDOW = 30
"""Days within which a treatment works."""
FIRST, EVERY = 60, 61
"""Days from the world's start to the first campaign, and between campaigns."""
SAMPLED, TREATED = 0.15, 0.7
"""Share of the signed-up customers in a campaign, and the treated share of these. Both are drawn at random."""
IMPATIENT, SURE_CHANCE, KEEN = 0.10, 0.80, 0.50
"""Sleeping dogs have a patience below IMPATIENT. Sure things order within the window, untreated, with a chance above
SURE_CHANCE. Of the others, persuadables have a price sensitivity above KEEN."""
RESPONSE_DAYS = 8.0
"""Mean days from a treatment to the order that it causes, before truncation to the window."""
NONE: Ints = np.zeros(0, np.int64)


class Action(NamedTuple):
    """An action: cost in minor units, chance of one more order by group, chance that a sleeping dog leaves."""

    cost: int
    lift: tuple[float, float, float, float]
    harm: float


ACTIONS = {
    "email": Action(5, (0.0, 0.10, 0.01, 0.0), 0.06),
    "voucher": Action(500, (0.01, 0.30, 0.02, 0.0), 0.10),
    "call": Action(900, (0.01, 0.20, 0.02, 0.0), 0.25),
}


class Treated(NamedTuple):
    """A block's treatments, by customer and time. `who` is the customer's place, `group` the one at that moment."""

    who: Ints
    seconds: Ints
    action: Ints
    treated: Flags
    group: Ints


def groups(block: People) -> Ints:
    """Return the group of each customer before leaving. Those whom no action moves are lost causes."""
    sure = -np.expm1(-block.rate * WINDOW / YEAR) > SURE_CHANCE
    other = np.where(sure, SURE, np.where(block.price_sensitivity > KEEN, PERSUADABLE, LOST))
    return np.where(block.patience < IMPATIENT, DOG, other)


def treat(rng: np.random.Generator, clock: Clock, block: People) -> tuple[People, Treated, Ints]:
    """Run all campaigns on a block; return the people after departures, the treatments, the keys of extra orders."""
    rows, extras, staying = [], [], groups(block)
    for number, day in enumerate(campaign_days(clock)):
        action, law = number % len(ACTIONS), list(ACTIONS.values())[number % len(ACTIONS)]
        who = np.flatnonzero((block.joined < day) & (rng.random(len(block)) < SAMPLED))
        treated, chance = rng.random(len(who)) < TREATED, rng.random(len(who))
        group = np.where(block.leaves[who] > day, staying[who], LOST)
        second = np.full(len(who), day * DAY_S)
        rows.append(Treated(who, second, np.full(len(who), action), treated, group))
        bought = treated & (chance < np.array(law.lift)[group])
        harmed = treated & (chance < law.harm) & (group == DOG)
        block = block.with_departures(day, who[harmed])
        when = day + _delay(rng, int(bought.sum()))
        stays = when < block.leaves[who[bought]]
        extras.append(keys(who[bought][stays], clock.whole(when[stays])))
    return block, _sorted(rows), np.concatenate([NONE, *extras])


def _sorted(rows: Sequence[Treated]) -> Treated:
    """Stack the rows of all campaigns, by customer and time."""
    if not rows:
        return Treated(NONE, NONE, NONE, NONE.astype(np.bool_), NONE)
    stacked = [np.concatenate(column) for column in zip(*rows, strict=True)]
    order = np.lexsort((stacked[1], stacked[0]))
    who, seconds, action, treated, group = (column[order] for column in stacked)
    return Treated(who, seconds, action, treated.astype(np.bool_), group)


def campaign_days(clock: Clock) -> list[int]:
    """Return the days on which campaigns start. The last window ends inside the world."""
    return list(range(FIRST, int(clock.days) - WINDOW + 1, EVERY))


def _delay(rng: np.random.Generator, size: int) -> Floats:
    """Draw days to respond: exponential, within the window."""
    within = -np.expm1(-WINDOW / RESPONSE_DAYS)
    days: Floats = -RESPONSE_DAYS * np.log1p(-within * rng.random(size))
    return days


def frame(clock: Clock, block: People, drawn: Treated) -> pl.DataFrame:
    """Make the lake's treatments."""
    names, costs = pl.Series(list(ACTIONS)), np.array([action.cost for action in ACTIONS.values()])
    return pl.DataFrame(
        {
            "customer_id": pick("C" + block.ids, drawn.who),
            "treated_at": clock.stamps(drawn.seconds),
            "action": pick(names, drawn.action),
            "arm": pick(pl.Series(["control", "treated"]), drawn.treated.astype(np.uint32)),
            "cost_cents": np.where(drawn.treated, costs[drawn.action], 0),
        }
    )


def truth(clock: Clock, block: People, drawn: Treated) -> pl.DataFrame:
    """Make the truth of past treatments: the group of each customer at that moment."""
    return pl.DataFrame(
        {
            "customer_id": pick("C" + block.ids, drawn.who),
            "treated_at": clock.stamps(drawn.seconds),
            "true_group": pick(pl.Series(GROUPS), drawn.group),
        }
    )


def mean_value(shop: Shop, block: People) -> Floats:
    """Return the expected value of one order of each customer, after discounts, in minor units."""
    value: Floats = block.spend * (1 - 2 * shop.discounted * block.price_sensitivity * np.mean(shop.discount))
    return value


def mean_margin(shop: Shop, block: People) -> Floats:
    """Return the expected margin of one order of each customer, after discounts, in minor units."""
    discount = 2 * shop.discounted * block.price_sensitivity * np.mean(shop.discount)
    margin: Floats = block.spend * (np.mean(shop.margin) - discount)
    return margin
