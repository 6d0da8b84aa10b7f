"""Measures of a simulated lake: asked for, measured, and the difference that chance may explain."""

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
from regulars_workbench.simulator.verify.simulated_lake import SimulatedLake
from regulars_workbench.simulator.worlds import BEST, gini

SIGMAS = 4.0
"""Standard errors allowed. With about forty measures, one world in five hundred raises a false alarm."""
ENOUGH = 100
"""Fewest rows in each arm for which a group's response is measured. Below, its error is unknown too."""


class Measure(NamedTuple):
    """One line of the check: the value asked for, the measured value, and the largest accepted difference."""

    name: str
    asked: float
    measured: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Return whether the difference is accepted. A value that cannot be measured (NaN) is not."""
        return bool(abs(self.asked - self.measured) <= self.allowed)


def pareto(lake: SimulatedLake) -> Iterator[Measure]:
    """Measure the inequality of revenue, and the tail index of spend levels (Hill 1975; capped levels are censored)."""
    [spent] = lake.columns("select sum(order_value_cents)::double from sales group by customer_id")
    ranked = np.sort(spent)[::-1]
    chance = 0.01 + 3 / np.sqrt(len(spent))  # sums of a heavy tail vary more than a share's standard error
    best = ranked[: len(ranked) // BEST].sum() / ranked.sum()
    yield Measure("best fifth's share of revenue", lake.world.tail.share, float(best), chance)
    yield Measure("Gini of the buyers' revenue", lake.world.tail.gini, gini(spent), chance)
    level = lake.people.spend / lake.world.shop.spend_floor
    tail = (level < lake.world.shop.spend_cap * (1 - LEAST)).sum() / np.log(level).sum()
    asked = lake.world.tail.index
    yield Measure("tail index of spend levels", asked, float(tail), SIGMAS * asked / np.sqrt(len(level)))


def seasons(lake: SimulatedLake) -> Iterator[Measure]:
    """Measure demand by month: repeat orders over the number expected from customers' rates and days in that month."""
    world, expected = lake.world, np.zeros(12)
    demand = daily_demand(world.start, world.end, world.shop)
    dates = np.arange(np.datetime64(world.start, "D"), np.datetime64(world.end, "D"))
    months = dates.astype("datetime64[M]").astype(np.int64) % 12
    first, until = lake.first_order, lake.people.until(lake.clock)
    bought = np.isfinite(first)
    first, until, rate = first[bought], until[bought], lake.people.rate[bought] / YEAR
    edges = np.append(np.flatnonzero(np.append(True, np.diff(months) != 0)), len(months))
    for low, high in pairwise(edges):
        expected[months[low]] += rate @ np.maximum(np.minimum(until, high) - np.maximum(first, low), 0.0)
    [calendar_month, count] = lake.columns(
        "select month(ordered_at), count(*) from repeats where customer_id <= $last group by 1"
    )
    counts = np.bincount(calendar_month - 1, count, 12)
    seen = counts / np.maximum(expected, LEAST)
    asked = np.array([demand[months == month].mean() if (months == month).any() else 0.0 for month in range(12)])
    scale = counts.sum() / (expected * asked).sum()
    for month in np.flatnonzero(counts):
        # The number of customers grows within a month, and regular gaps move demand into the next month.
        allowed = 0.03 * asked[month] + SIGMAS * asked[month] / np.sqrt(counts[month])
        name = f"demand in {month_abbr[int(month) + 1]}, mean is 1"
        yield Measure(name, asked[month], float(seen[month] / scale), allowed)


def traits(lake: SimulatedLake) -> Iterator[Measure]:
    """Measure the rank correlations of the traits without the channel's quality: 6 / pi * arcsin(r / 2)."""
    person, quality = lake.people, lake.quality
    own = {"engagement": person.engagement, "rate": person.rate / quality, "hazard": person.hazard * quality}
    own |= {"trouble": person.trouble, "price_sensitivity": person.price_sensitivity, "patience": person.patience}
    pairs = [("engagement", "hazard"), ("engagement", "rate"), ("trouble", "hazard"), ("patience", "hazard")]
    for one, other in pairs:
        normal = lake.world.shop.correlation[TRAITS.index(one)][TRAITS.index(other)]
        asked, seen = 6 / np.pi * np.arcsin(normal / 2), np.corrcoef(_ranks(own[one]), _ranks(own[other]))[0, 1]
        yield Measure(f"rho of {one}, {other}", float(asked), float(seen), SIGMAS / np.sqrt(len(person)))


def _ranks(values: Floats) -> Ints:
    return np.argsort(np.argsort(values))


def tenure(lake: SimulatedLake) -> Iterator[Measure]:
    """Measure the hazard of remaining customers by tenure: a gamma law after survival (Vaupel et al. 1979).

    After t years, customers of channel quality q have the mean hazard shape / (shape / mean + t / q) / q.
    """
    person, law = lake.people, lake.world.shop.hazard
    years = (lake.clock.days - person.joined) / YEAR
    here = person.leaves > lake.clock.days
    expected = law.shape / (law.shape / law.mean + years / lake.quality) / lake.quality
    for years_named, chosen in (("below a year", here & (years < 1)), ("of a year up", here & (years >= 1))):
        if chosen.any():
            # Campaigns drive away some impatient customers, whose hazards are higher.
            allowed = (0.05 + SIGMAS / np.sqrt(chosen.sum())) * expected[chosen].mean()
            seen = person.hazard[chosen].mean()
            yield Measure(f"hazard, tenure {years_named}", float(expected[chosen].mean()), float(seen), allowed)


def churn(lake: SimulatedLake) -> Iterator[Measure]:
    """Measure churn and orders in the last days of the log against the oracle's forecast."""
    for horizon in (30, 90, 180):
        day = lake.clock.days - horizon
        if day < horizon:
            continue
        cut = datetime.combine(lake.world.end, datetime.min.time()) - timedelta(days=horizon)
        last, after = lake.around(cut)
        known = np.isfinite(last)
        waited = lake.clock.shopping(np.full(len(last), day)) - lake.clock.shopping(np.where(known, last, 0.0))
        forecast = oracle.forecast(lake.world.shop, lake.world.ahead(day), lake.people, day, waited)
        p_no_order, orders, after = forecast.p_no_order[horizon][known], forecast.orders[horizon][known], after[known]
        error = np.sqrt((p_no_order * (1 - p_no_order)).sum()) / len(after)
        rate = float((after == 0).mean())
        yield Measure(f"churn in {horizon} days", float(p_no_order.mean()), rate, 0.005 + SIGMAS * error)
        # All orders of a customer depend on one draw of leaving: the sum varies about twice as much as a Poisson sum.
        allowed = 0.02 + 2 * SIGMAS / np.sqrt(orders.sum())
        yield Measure(f"orders in {horizon} days / expected", 1.0, float(after.sum() / orders.sum()), allowed)


def responses(lake: SimulatedLake) -> Iterator[Measure]:
    """Measure the effect of the campaigns by group: orders within the window, treated less control."""
    names = ["action", "group", "treated", "here", "day", "rate", "orders"]
    data = dict(zip(names, lake.columns(RESPONSES, window=WINDOW, start=lake.world.start), strict=True))
    treated, day = data["treated"].astype(bool), data["day"].astype(np.float64)
    # Subtracting the expected orders reduces noise. It adds no bias, because the arms are random.
    usual = data["rate"] / YEAR * (lake.clock.shopping(day + WINDOW) - lake.clock.shopping(day))
    more = data["orders"] - usual * data["here"]
    if not len(treated):
        return
    share = SIGMAS * np.sqrt(TREATED * (1 - TREATED) / len(treated))
    yield Measure("share treated by campaigns", TREATED, float(treated.mean()), share)
    for number, group in enumerate(GROUPS):
        chosen = data["group"] == group
        arms = [more[chosen & arm] for arm in (treated, ~treated)]
        if min(map(len, arms)) >= ENOUGH:
            is_action = {name: data["action"][chosen & treated] == name for name in ACTIONS}
            here = data["here"][chosen & treated]
            asked = sum(float((here * is_action[name]).mean()) * law.lift[number] for name, law in ACTIONS.items())
            if group == GROUPS[-1]:
                harm = sum(float((here * is_action[name]).mean()) * law.harm for name, law in ACTIONS.items())
                asked -= (
                    harm
                    * float(data["orders"][chosen & ~treated].mean())
                    / float(data["here"][chosen & ~treated].mean())
                )
            error = np.sqrt(sum(arm.var() / len(arm) for arm in arms))
            uplift = float(arms[0].mean() - arms[1].mean())
            yield Measure(f"orders added, {group.replace('_', ' ')}", asked, uplift, 0.1 * abs(asked) + SIGMAS * error)


RESPONSES = """
    with campaign_rows as (
        select customer_id, treated_at, action, arm, true_group, true_rate, true_left_at >= treated_at as here
        from treatments join true_treatments using (customer_id, treated_at) join true_customers using (customer_id)
        where customer_id <= $last)
    select action, true_group, arm = 'treated', here::integer,
        date_diff('day', $start::timestamp, treated_at), true_rate, count(sales.customer_id)
    from campaign_rows left join sales on sales.customer_id = campaign_rows.customer_id
        and ordered_at >= treated_at and ordered_at < treated_at + to_days($window)
    group by campaign_rows.customer_id, treated_at, action, true_group, true_rate, arm, here
"""
