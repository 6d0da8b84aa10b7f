"""Customers: when and how they signed up, and the hidden traits behind their behaviour."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import polars as pl
from scipy.special import gammaincinv, ndtr

from regulars_workbench.simulator.clock import YEAR, Clock, Floats, Ints
from regulars_workbench.simulator.rows import pick
from regulars_workbench.simulator.shop import TRAITS, Gamma, Shop

LEAST = 1e-9
"""Lower bound of rates, so that no lifetime is infinite."""
REACH, STEP = 6.0, 1 / 128
"""Range of normal scores, and the step of the quantile tables. Scores beyond the range are clipped."""


@dataclass(frozen=True)
class People:
    """A block of customers, one array entry each. Times are days since the world's start, rates are per year.

    Engagement, price sensitivity and patience are uniform scores in (0, 1); spend is the level of an order in minor
    units before its discount.
    """

    ids: pl.Series
    channel: Ints
    cost: Ints
    joined: Floats
    leaves: Floats
    fade: Floats
    engagement: Floats
    rate: Floats
    hazard: Floats
    spend: Floats
    trouble: Floats
    price_sensitivity: Floats
    patience: Floats

    def __len__(self) -> int:
        return len(self.joined)

    def until(self, clock: Clock) -> Floats:
        """Return when each customer stops buying: on leaving, or at the end of the world."""
        return np.minimum(self.leaves, clock.days)

    def with_departures(self, moment: float, who: Ints) -> "People":
        """Return the people after those at the places `who` leave at `moment`, without fading first."""
        leaves, fade = self.leaves.copy(), self.fade.copy()
        leaves[who], fade[who] = moment, LEAST
        return replace(self, leaves=leaves, fade=fade)


def people(rng: np.random.Generator, growing: Clock, shop: Shop, tail: float, numbers: range) -> People:
    """Draw a customer for each number. `growing` is the clock of sign-ups, `tail` the Pareto index of spend levels.

    Purchase rates and dropout hazards are gamma, lifetimes exponential, as in the Pareto/NBD model (Schmittlein,
    Morrison & Colombo 1987, Counting Your Customers, Management Science 33(1)). Unlike there, traits are correlated.
    """
    count = len(numbers)
    score = scores(rng, shop, count)
    channels = [terms for _, terms in shop.channels]
    channel = np.searchsorted(np.cumsum([terms.share for terms in channels])[:-1], rng.random(count), side="right")
    quality = np.array([terms.quality for terms in channels])[channel]
    joined = growing.draw(rng, np.zeros(1), np.array([growing.days]), np.array([count])) / 86_400
    hazard = gamma(score["hazard"], shop.hazard) / quality
    uniform = {name: ndtr(score[name]) for name in ("engagement", "price_sensitivity", "patience")}
    return People(
        ids=pl.Series(numbers).cast(pl.String).str.zfill(8),
        channel=channel,
        cost=_cost(rng, np.array([terms.cost for terms in channels])[channel]),
        joined=joined,
        leaves=joined + YEAR * rng.standard_exponential(count) / hazard,
        fade=shop.fade_days * np.exp(shop.fade_spread * rng.standard_normal(count)),
        rate=gamma(score["rate"], shop.rate) * quality,
        hazard=hazard,
        spend=levels(ndtr(-score["spend"]), shop, tail),
        trouble=gamma(score["trouble"], shop.trouble),
        **uniform,
    )


def scores(rng: np.random.Generator, shop: Shop, count: int) -> dict[str, Floats]:
    """Draw correlated normal scores of each trait: a Gaussian copula (Nelsen 2006, An Introduction to Copulas)."""
    normal = rng.standard_normal((count, len(TRAITS))) @ np.linalg.cholesky(np.array(shop.correlation)).T
    np.clip(normal, -REACH, REACH, out=normal)
    return {trait: np.ascontiguousarray(normal[:, place]) for place, trait in enumerate(TRAITS)}


def levels(above: Floats, shop: Shop, tail: float) -> Floats:
    """Return the capped Pareto levels, in minor units, that a share `above` of the customers exceeds."""
    return shop.spend_floor * np.minimum(above ** (-1 / tail), shop.spend_cap)


def gamma(score: Floats, law: Gamma) -> Floats:
    """Return the gamma quantiles of normal scores, from a table: error below 0.1 %, fifty times as fast."""
    return np.exp(np.interp(score, *_quantiles(law)))


@lru_cache(maxsize=16)
def _quantiles(law: Gamma) -> tuple[Floats, Floats]:
    score = np.arange(-REACH, REACH + STEP, STEP)
    quantile = gammaincinv(law.shape, ndtr(score)) * (law.mean / law.shape)
    return score, np.log(np.maximum(quantile, LEAST))


def customers(block: People, clock: Clock, shop: Shop) -> pl.DataFrame:
    """Make the lake's customers: what a shop knows of them."""
    names = pl.Series([name for name, _ in shop.channels])
    return pl.DataFrame(
        {
            "customer_id": "C" + block.ids,
            "signed_up_at": clock.stamps(clock.whole(block.joined)),
            "acquisition_channel": pick(names, block.channel),
            "acquisition_cost_cents": block.cost,
        }
    )


def _cost(rng: np.random.Generator, mean: Floats) -> Ints:
    return np.rint(mean * rng.standard_gamma(8.0, len(mean)) / 8.0).astype(np.int64)
