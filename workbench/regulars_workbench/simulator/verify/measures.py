"""What a simulated lake shows of what was asked for: one measure a line, each with what may be left to chance."""

from calendar import month_abbr
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from regulars_workbench.simulator.clock import YEAR, Floats, Ints, daily_demand
from regulars_workbench.simulator.draw.people import LEAST
from regulars_workbench.simulator.draw.treatments import ACTIONS, GROUPS, TREATED, WINDOW
from regulars_workbench.simulator.shop import TRAITS
from regulars_workbench.simulator.truth import oracle
from regulars_workbench.simulator.verify.sight import Sight
from regulars_workbench.simulator.worlds import BEST, gini

SIGMAS = 4.0
"""Standard errors that chance may take: with some forty measures a false alarm in about five hundred worlds."""


ENOUGH = 100
"""Rows in each arm below which a group's response is not measured: its error would be unknown too."""


class Measure(NamedTuple):
    """One line of the check: what was asked, what came out, and how far apart they may be."""

    what: str
    asked: float
    measured: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Say whether they are as near as they should be; what cannot be measured has not passed."""
        return bool(abs(self.asked - self.measured) <= self.allowed)


def pareto(sight: Sight) -> Iterator[Measure]:
    """Measure how unequal the buyers are, and the tail index of their levels (Hill 1975, with the cap censored)."""
    [spent] = sight.columns("select sum(order_value_cents)::double from sales group by customer_id")
    ranked = np.sort(spent)[::-1]
    chance = 0.01 + 3 / np.sqrt(len(spent))  # sums of a heavy tail: wider than a share's own standard error
    best = ranked[: len(ranked) // BEST].sum() / ranked.sum()
    yield Measure("best fifth's share of revenue", sight.world.tail.share, float(best), chance)
    yield Measure("Gini of the buyers' revenue", sight.world.tail.gini, gini(spent), chance)
    level = sight.people.spend / sight.world.shop.spend_floor
    tail = (level < sight.world.shop.spend_cap * (1 - LEAST)).sum() / np.log(level).sum()
    asked = sight.world.tail.index
    yield Measure("tail index of spend levels", asked, float(tail), SIGMAS * asked / np.sqrt(len(level)))


def seasons(sight: Sight) -> Iterator[Measure]:
    """Measure demand by month: repeat orders over what the customers' own rates give for their days in that month."""
    world, expected = sight.world, np.zeros(12)
    demand = daily_demand(world.start, world.end, world.shop)
    dates = np.arange(np.datetime64(world.start, "D"), np.datetime64(world.end, "D"))
    months = dates.astype("datetime64[M]").astype(np.int64) % 12
    first, until = sight.first_order, sight.people.until(sight.clock)
    bought = np.isfinite(first)
    first, until, rate = first[bought], until[bought], sight.people.rate[bought] / YEAR
    edges = np.append(np.flatnonzero(np.append(True, np.diff(months) != 0)), len(months))
    for low, high in pairwise(edges):
        expected[months[low]] += rate @ np.maximum(np.minimum(until, high) - np.maximum(first, low), 0.0)
    [month, count] = sight.columns(
        "select month(ordered_at), count(*) from repeats where customer_id <= $last group by 1"
    )
    counts = np.bincount(month - 1, count, 12)
    seen = counts / np.maximum(expected, LEAST)
    asked = np.array([demand[months == one].mean() if (months == one).any() else 0.0 for one in range(12)])
    scale = counts.sum() / (expected * asked).sum()
    for one in np.flatnonzero(counts):
        # Days are not met evenly by a growing crowd, and gaps that are regular carry a month's demand into the next.
        allowed = 0.03 * asked[one] + SIGMAS * asked[one] / np.sqrt(counts[one])
        yield Measure(f"demand in {month_abbr[int(one) + 1]}, mean is 1", asked[one], float(seen[one] / scale), allowed)


def traits(sight: Sight) -> Iterator[Measure]:
    """Measure the injected rank correlations, before what the channel adds: 6 / pi * arcsin(r / 2)."""
    person, quality = sight.people, sight.quality
    own = {"engagement": person.engagement, "rate": person.rate / quality, "hazard": person.hazard * quality}
    own |= {"trouble": person.trouble, "price_sensitivity": person.price_sensitivity, "patience": person.patience}
    pairs = [("engagement", "hazard"), ("engagement", "rate"), ("trouble", "hazard"), ("patience", "hazard")]
    for one, other in pairs:
        normal = sight.world.shop.correlation[TRAITS.index(one)][TRAITS.index(other)]
        asked, seen = 6 / np.pi * np.arcsin(normal / 2), np.corrcoef(_ranks(own[one]), _ranks(own[other]))[0, 1]
        yield Measure(f"rho of {one}, {other}", float(asked), float(seen), SIGMAS / np.sqrt(len(person)))


def _ranks(values: Floats) -> Ints:
    return np.argsort(np.argsort(values))


def tenure(sight: Sight) -> Iterator[Measure]:
    """Measure the hazard of those still here by tenure: a gamma law that survival has sorted (Vaupel et al. 1979).

    Of customers of channel quality q who stayed for t years, hazards have the mean shape / (shape / mean + t / q) / q.
    """
    person, law = sight.people, sight.world.shop.hazard
    years = (sight.clock.days - person.joined) / YEAR
    here = person.leaves > sight.clock.days
    expected = law.shape / (law.shape / law.mean + years / sight.quality) / sight.quality
    for what, chosen in (("below a year", here & (years < 1)), ("of a year up", here & (years >= 1))):
        if chosen.any():
            # Campaigns drive some of the impatient away, who have the higher hazards.
            allowed = (0.05 + SIGMAS / np.sqrt(chosen.sum())) * expected[chosen].mean()
            seen = person.hazard[chosen].mean()
            yield Measure(f"hazard, tenure {what}", float(expected[chosen].mean()), float(seen), allowed)


def churn(sight: Sight) -> Iterator[Measure]:
    """Measure, over the last days of the log, who bought nothing and how many orders came, against the oracle."""
    for horizon in (30, 90, 180):
        day = sight.clock.days - horizon
        if day < horizon:
            continue
        cut = datetime.combine(sight.world.end, datetime.min.time()) - timedelta(days=horizon)
        last, after = sight.around(cut)
        known = np.isfinite(last)
        waited = sight.clock.shopping(np.full(len(last), day)) - sight.clock.shopping(np.where(known, last, 0.0))
        seen = oracle.forecast(sight.world.shop, sight.world.ahead(day), sight.people, day, waited)
        silent, orders, after = seen.silent[horizon][known], seen.orders[horizon][known], after[known]
        error = np.sqrt((silent * (1 - silent)).sum()) / len(after)
        rate = float((after == 0).mean())
        yield Measure(f"churn in {horizon} days", float(silent.mean()), rate, 0.005 + SIGMAS * error)
        # Leaving is one draw for all orders of a customer, so that their sum strays twice as far as a Poisson sum.
        allowed = 0.02 + 2 * SIGMAS / np.sqrt(orders.sum())
        yield Measure(f"orders in {horizon} days / expected", 1.0, float(after.sum() / orders.sum()), allowed)


def responses(sight: Sight) -> Iterator[Measure]:
    """Measure what the campaigns did: orders within the window, treated less control, by group."""
    names = ["action", "group", "treated", "here", "day", "rate", "orders"]
    data = dict(zip(names, sight.columns(RESPONSES, window=WINDOW, start=sight.world.start), strict=True))
    treated, day = data["treated"].astype(bool), data["day"].astype(np.float64)
    # What each would have bought anyway is taken off: less noise, and no bias, since the arms were drawn by lot.
    usual = data["rate"] / YEAR * (sight.clock.shopping(day + WINDOW) - sight.clock.shopping(day))
    more = data["orders"] - usual * data["here"]
    if not len(treated):
        return
    share = SIGMAS * np.sqrt(TREATED * (1 - TREATED) / len(treated))
    yield Measure("share treated by campaigns", TREATED, float(treated.mean()), share)
    for number, group in enumerate(GROUPS):
        chosen = data["group"] == group
        arms = [more[chosen & arm] for arm in (treated, ~treated)]
        if min(map(len, arms)) >= ENOUGH:
            told = {name: data["action"][chosen & treated] == name for name in ACTIONS}
            here = data["here"][chosen & treated]
            asked = sum(float((here * told[name]).mean()) * law.lift[number] for name, law in ACTIONS.items())
            if group == GROUPS[-1]:
                harm = sum(float((here * told[name]).mean()) * law.harm for name, law in ACTIONS.items())
                asked -= (
                    harm
                    * float(data["orders"][chosen & ~treated].mean())
                    / float(data["here"][chosen & ~treated].mean())
                )
            error = np.sqrt(sum(arm.var() / len(arm) for arm in arms))
            uplift = float(arms[0].mean() - arms[1].mean())
            yield Measure(f"orders added, {group.replace('_', ' ')}", asked, uplift, 0.1 * abs(asked) + SIGMAS * error)


RESPONSES = """
    with told as (
        select customer_id, treated_at, action, arm, true_group, true_rate, true_left_at >= treated_at as here
        from treatments join true_treatments using (customer_id, treated_at) join true_customers using (customer_id)
        where customer_id <= $last)
    select action, true_group, arm = 'treated', here::integer,
        date_diff('day', $start::timestamp, treated_at), true_rate, count(sales.customer_id)
    from told left join sales on sales.customer_id = told.customer_id
        and ordered_at >= treated_at and ordered_at < treated_at + to_days($window)
    group by told.customer_id, treated_at, action, true_group, true_rate, arm, here
"""
