"""Who the customers are: when and how they came, and the hidden traits that drive all they do."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import gammaincinv, ndtr

from training.world.clock import Clock, Floats, Ints


class Channel(NamedTuple):
    """How customers are won: share of sign-ups, mean cost in minor units, and quality (1 is average)."""

    share: float
    cost: int
    quality: float


CHANNELS = {
    "paid_search": Channel(0.30, 2_800, 0.95),
    "social": Channel(0.24, 1_900, 0.70),
    "referral": Channel(0.12, 1_200, 1.50),
    "email": Channel(0.10, 600, 1.15),
    "organic": Channel(0.24, 0, 1.20),
}
"""A good channel's customers buy more often and stay longer: rate times quality, hazard divided by it."""

TRAITS = ("engagement", "rate", "hazard", "spend", "trouble")
CORRELATION = (
    # engagement rate   hazard spend  trouble
    (1.00, 0.35, -0.55, 0.10, -0.10),  # engagement: opens, clicks, visits
    (0.35, 1.00, -0.25, 0.05, 0.00),  # rate: orders a year while a customer
    (-0.55, -0.25, 1.00, -0.10, 0.35),  # hazard: of leaving for good, a year
    (0.10, 0.05, -0.10, 1.00, 0.00),  # spend: level of an order's value
    (-0.10, 0.00, 0.35, 0.00, 1.00),  # trouble: support tickets a year
)
"""The injected truth, as correlations of normal scores: the engaged stay, those with tickets leave."""

RATE_SHAPE, RATE_MEAN = 1.1, 17.0
HAZARD_SHAPE, HAZARD_MEAN = 1.0, 1.0
TROUBLE_SHAPE, TROUBLE_MEAN = 0.8, 0.5
"""Gamma laws over customers, all a year: orders, leaving, support tickets (before the channel's quality)."""
SPEND_FLOOR, SPEND_ALPHA, SPEND_CAP = 1_800.0, 1.6, 120.0
"""Pareto level of an order: least value in minor units, tail index, cap as a multiple of the least.

With the spread of rates and lifetimes, the best fifth of the buyers brings about four fifths of three years' revenue.
"""

GROWTH = 0.25
"""Sign-ups grow by exp(0.25), about 28 %, a year."""
FADE_DAYS, FADE_SPREAD = 45.0, 0.6
"""Interest fades before a customer leaves: median length, and sigma of its logarithm."""
LEAST = 1e-9
"""Keeps scores inside (0, 1) and rates above zero, so that a lifetime is long and not infinite."""


@dataclass(frozen=True)
class People:
    """A block of customers, one array entry each; times in days since the world's start, rates a year."""

    ids: pl.Series
    channel: Ints
    cost: Ints
    joined: Floats
    leaves: Floats
    fade: Floats
    engagement: Floats
    rate: Floats
    spend: Floats
    trouble: Floats

    def __len__(self) -> int:
        return len(self.joined)

    def until(self, clock: Clock) -> Floats:
        """Return when each one's buying ends: on leaving, or with the world."""
        return np.minimum(self.leaves, clock.days)


def people(rng: np.random.Generator, clock: Clock, numbers: range) -> People:
    """Draw a customer for each number.

    Purchase rate and dropout hazard are gamma and lifetimes exponential, as in the Pareto/NBD model (Schmittlein,
    Morrison & Colombo 1987, Counting Your Customers, Management Science 33(1)), but correlated by `CORRELATION`.
    """
    count = len(numbers)
    channel = rng.choice(len(CHANNELS), size=count, p=[each.share for each in CHANNELS.values()])
    quality = np.array([each.quality for each in CHANNELS.values()])[channel]
    score = copula(rng, count)
    joined = _arrivals(rng, clock, count)
    hazard = _gamma(score["hazard"], HAZARD_SHAPE, HAZARD_MEAN) / quality
    return People(
        ids=pl.Series(numbers).cast(pl.String).str.zfill(8),
        channel=channel,
        cost=_cost(rng, channel),
        joined=joined,
        leaves=joined + 365.25 * rng.exponential(size=count) / hazard,
        fade=FADE_DAYS * np.exp(FADE_SPREAD * rng.standard_normal(count)),
        engagement=score["engagement"],
        rate=_gamma(score["rate"], RATE_SHAPE, RATE_MEAN) * quality,
        spend=SPEND_FLOOR * np.minimum((1 - score["spend"]) ** (-1 / SPEND_ALPHA), SPEND_CAP),
        trouble=_gamma(score["trouble"], TROUBLE_SHAPE, TROUBLE_MEAN),
    )


def copula(rng: np.random.Generator, count: int) -> dict[str, Floats]:
    """Draw uniform scores for each trait, tied by a Gaussian copula (Nelsen 2006, An Introduction to Copulas)."""
    normal = rng.standard_normal((count, len(TRAITS))) @ np.linalg.cholesky(np.array(CORRELATION)).T
    uniform = np.clip(ndtr(normal), LEAST, 1 - LEAST)
    return {trait: uniform[:, place] for place, trait in enumerate(TRAITS)}


def customers(block: People, clock: Clock) -> pl.DataFrame:
    """Make the lake's customers: the part of a person that a shop knows."""
    names = pl.Series(list(CHANNELS))
    return pl.DataFrame(
        {
            "customer_id": "C" + block.ids,
            "signed_up_at": clock.stamps(block.joined),
            "acquisition_channel": names.gather(block.channel),
            "acquisition_cost_cents": block.cost,
        }
    )


def _arrivals(rng: np.random.Generator, clock: Clock, count: int) -> Floats:
    """Draw sign-ups over the whole world, by season and growth."""
    growing = clock.growing(GROWTH)
    return growing.draw(rng, np.zeros(count), np.full(count, clock.days))


def _cost(rng: np.random.Generator, channel: Ints) -> Ints:
    mean = np.array([each.cost for each in CHANNELS.values()])[channel]
    return np.rint(mean * rng.gamma(8.0, 1 / 8.0, len(channel))).astype(np.int64)


def _gamma(score: Floats, shape: float, mean: float) -> Floats:
    """Return the gamma quantiles of uniform scores."""
    quantile: Floats = gammaincinv(shape, score) * (mean / shape)
    return np.maximum(quantile, LEAST)
