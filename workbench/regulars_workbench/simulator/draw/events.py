"""Events between orders: e-mails, visits and tickets. They make leaving more predictable, but not certain."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from regulars_workbench.simulator.clock import DAY_S, YEAR, Clock, Floats, Ints
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.rows import MASK, keys, pick, seconds_of, who_of
from regulars_workbench.simulator.shop import Shop

Shares: TypeAlias = npt.NDArray[np.float32]

OPENED, CLICKED = 0.65, 0.25
"""Chance that an email is opened at full engagement and interest; chance that an opened one is clicked."""
OPEN_DAYS, CLICK_DAYS, LOOK_DAYS = 0.4, 0.01, 0.2
"""Mean days from sent to opened, from opened to clicked, from a visit to its order."""
RESIDUE = 0.08
"""Interest that remains after leaving: former customers still open an email now and then."""
QUIET_TICKETS = 0.3
"""Ticket rate of a content customer, as a share of the rate of one who is about to leave."""
CAUSES = ("question", "late_delivery", "damaged", "billing", "wrong_item")
CONTENT, LEAVING = (0.60, 0.14, 0.08, 0.10, 0.08), (0.15, 0.30, 0.20, 0.20, 0.15)
"""Shares of the causes: tickets of content customers, and of those who are about to leave."""
RESOLVED_SHARE, RESOLVE_DAYS = 0.85, 2.0
"""Share of tickets that are resolved; mean days until then."""
KINDS = ("email_sent", "email_open", "email_click", "site_visit", *["support_ticket"] * len(CAUSES), "support_resolved")
"""Kinds by code. Tickets have one code for each cause."""
CODE_BITS = 4
SENT, OPEN, CLICK, VISIT, TICKET = range(5)
RESOLVED = TICKET + len(CAUSES)


def events(rng: np.random.Generator, clock: Clock, shop: Shop, block: People, orders: Ints) -> pl.DataFrame:
    """Make the lake's events of a block of customers, by customer and time; `orders` are the keys of their orders."""
    sent = _process(rng, clock, block, np.full(len(block), shop.emails))
    opened = _follow(rng, clock, sent, np.float32(OPENED) * _appeal(block, sent), OPEN_DAYS)
    clicked = _follow(rng, clock, opened, np.float32(CLICKED), CLICK_DAYS)
    visits = np.concatenate([_visits(rng, clock, shop, block), _before(rng, shop, block, orders)])
    tickets, causes = _tickets(rng, clock, block)
    resolved = _follow(rng, clock, tickets, np.float32(RESOLVED_SHARE), RESOLVE_DAYS)
    # Seconds are below 2**32 and places below 2**14, so there is room for four bits of code.
    coded = ((sent, SENT), (opened, OPEN), (clicked, CLICK), (visits, VISIT), (resolved, RESOLVED))
    kinds = [key << CODE_BITS | code for key, code in coded]
    packed = np.concatenate([*kinds, tickets << CODE_BITS | (TICKET + causes)])
    packed.sort()
    key, code = packed >> CODE_BITS, (packed & ((1 << CODE_BITS) - 1)).astype(np.uint32)
    return pl.DataFrame(
        {
            "customer_id": pick("C" + block.ids, who_of(key).astype(np.uint32)),
            "occurred_at": clock.stamps(seconds_of(key)),
            "kind": pick(pl.Series(KINDS), code),
            "cause": pick(pl.Series([*[None] * TICKET, *CAUSES, None]), code),
        }
    )


def interest(block: People, key: Ints) -> Shares:
    """Return the interest: 1 before fading, then a straight line down to RESIDUE over the customer's fading time."""
    who = who_of(key)
    slope = (1 / (block.fade * DAY_S)).astype(np.float32)[who]
    left = (block.leaves * DAY_S)[who] - seconds_of(key)
    level: Shares = np.clip(left.astype(np.float32) * slope, np.float32(RESIDUE), np.float32(1))
    return level


def _appeal(block: People, key: Ints) -> Shares:
    return block.engagement.astype(np.float32)[who_of(key)] * interest(block, key)


def _visits(rng: np.random.Generator, clock: Clock, shop: Shop, block: People) -> Ints:
    """Draw visits at the full rate, then thin them by the interest at that moment (Lewis & Shedler 1979)."""
    key = _process(rng, clock, block, shop.visits * block.engagement)
    return _keep(rng, key, interest(block, key))


def _before(rng: np.random.Generator, shop: Shop, block: People, orders: Ints) -> Ints:
    """Draw the visits that lead to orders, none before sign-up."""
    led = _keep(rng, orders, np.float32(shop.visit_before))
    back = (LOOK_DAYS * DAY_S * rng.standard_exponential(len(led), dtype=np.float32)).astype(np.int64)
    who = who_of(led)
    return keys(who, np.maximum(seconds_of(led) - back, Clock.whole(block.joined)[who]))


def _tickets(rng: np.random.Generator, clock: Clock, block: People) -> tuple[Ints, Ints]:
    """Draw tickets and causes: few from content customers, more while interest fades, none after leaving."""
    key = _process(rng, clock, block, block.trouble / QUIET_TICKETS)
    who, day = who_of(key), seconds_of(key) / DAY_S
    fading = day > (block.leaves - block.fade)[who]
    chance = np.where(day > block.leaves[who], 0.0, np.where(fading, 1.0, QUIET_TICKETS))
    kept = rng.random(len(key)) < chance
    key, fading = key[kept], fading[kept]
    drawn = rng.random(len(key))
    content, leaving = (np.searchsorted(np.cumsum(law)[:-1], drawn, side="right") for law in (CONTENT, LEAVING))
    return key, np.where(fading, leaving, content)


def _process(rng: np.random.Generator, clock: Clock, block: People, rate: Floats) -> Ints:
    """Draw a Poisson process for each customer from sign-up to the world's end; return its keys by customer."""
    end = np.full(len(block), clock.days)
    count = rng.poisson(rate / YEAR * (clock.shopping(end) - clock.shopping(block.joined)))
    return keys(np.repeat(np.arange(len(block)), count), clock.draw(rng, block.joined, end, count))


def _follow(rng: np.random.Generator, clock: Clock, cause: Ints, chance: Shares | np.float32, mean_days: float) -> Ints:
    """Draw the events that follow others: with this chance, after an exponential delay, inside the world."""
    key = _keep(rng, cause, chance)
    delay = mean_days * DAY_S * rng.standard_exponential(len(key), dtype=np.float32)
    seconds = seconds_of(key) + delay.astype(np.int64)
    inside = seconds < clock.seconds
    return (key & ~MASK | seconds)[inside]


def _keep(rng: np.random.Generator, key: Ints, chance: Shares | np.float32) -> Ints:
    return key[rng.random(len(key), dtype=np.float32) < chance]
