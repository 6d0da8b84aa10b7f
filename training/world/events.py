"""What customers do between orders: the signs by which leaving can be foreseen, but not known."""

import numpy as np
import polars as pl

from training.world.clock import Clock, Floats, Ints
from training.world.people import People

EMAILS = 5.0
"""Emails a year to everyone who signed up: the shop does not know who has left."""
VISITS = 7.0
"""Visits a year of a customer of full engagement and interest."""
OPENED, CLICKED = 0.65, 0.25
"""Opens of an email at full engagement and interest; clicks of an opened one."""
OPEN_DAYS, CLICK_DAYS = 0.4, 0.01
RESIDUE = 0.08
"""Interest that is left in those who left: an old customer still opens an email now and then."""
QUIET_TICKETS = 0.3
"""Tickets of a customer who is content, as a part of those of one about to leave."""


def events(rng: np.random.Generator, clock: Clock, block: People) -> pl.DataFrame:
    """Make the lake's events of a block of customers, by customer and time."""
    sent = _process(rng, clock, block, np.full(len(block), EMAILS))
    opened = _follow(rng, sent, OPENED * _appeal(block, *sent), OPEN_DAYS)
    clicked = _follow(rng, opened, np.full(len(opened[0]), CLICKED), CLICK_DAYS)
    kinds = {
        "email_sent": sent,
        "email_open": opened,
        "email_click": clicked,
        "site_visit": _visits(rng, clock, block),
        "support_ticket": _tickets(rng, clock, block),
    }
    frames = [_rows(clock, block, kind, *drawn) for kind, drawn in kinds.items()]
    return pl.concat(frames).sort("customer_id", "occurred_at", "kind")


def interest(block: People, who: Ints, when: Floats) -> Floats:
    """Return 1 for a settled customer, falling in a straight line over the own fading time to a residue."""
    return np.clip((block.leaves[who] - when) / block.fade[who], RESIDUE, 1.0)


def _appeal(block: People, who: Ints, when: Floats) -> Floats:
    return block.engagement[who] * interest(block, who, when)


def _visits(rng: np.random.Generator, clock: Clock, block: People) -> tuple[Ints, Floats]:
    """Draw visits at the full rate, then keep them by the interest of the moment."""
    who, when = _process(rng, clock, block, VISITS * block.engagement)
    return _keep(rng, who, when, interest(block, who, when))


def _tickets(rng: np.random.Generator, clock: Clock, block: People) -> tuple[Ints, Floats]:
    """Draw tickets: few from the content, more from the fading, none from those who left."""
    who, when = _process(rng, clock, block, block.trouble / QUIET_TICKETS)
    fading = when > block.leaves[who] - block.fade[who]
    left = when > block.leaves[who]
    return _keep(rng, who, when, np.where(left, 0.0, np.where(fading, 1.0, QUIET_TICKETS)))


def _process(rng: np.random.Generator, clock: Clock, block: People, rate: Floats) -> tuple[Ints, Floats]:
    """Draw a Poisson process for each customer, from sign-up to the world's end: who, and when."""
    spans = clock.total - clock.shopping(block.joined)
    who = np.repeat(np.arange(len(block)), rng.poisson(rate / 365.25 * spans))
    return who, clock.draw(rng, block.joined[who], np.full(len(who), clock.days))


def _follow(
    rng: np.random.Generator, cause: tuple[Ints, Floats], chance: Floats, mean_days: float
) -> tuple[Ints, Floats]:
    """Draw what follows an event: with this chance, after an exponential delay."""
    who, when = cause
    return _keep(rng, who, when + rng.exponential(mean_days, len(when)), chance)


def _keep(rng: np.random.Generator, who: Ints, when: Floats, chance: Floats) -> tuple[Ints, Floats]:
    kept = rng.random(len(who)) < chance
    return who[kept], when[kept]


def _rows(clock: Clock, block: People, kind: str, who: Ints, when: Floats) -> pl.DataFrame:
    inside = clock.inside(when)
    ids = "C" + block.ids.gather(who[inside])
    return pl.DataFrame({"customer_id": ids, "occurred_at": clock.stamps(when[inside])}).with_columns(kind=pl.lit(kind))
