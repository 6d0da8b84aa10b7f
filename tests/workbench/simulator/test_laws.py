"""Parts of the simulator against their formulas: clock, copula, gamma laws, tail, and oracle."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.stats import gamma as gamma_law
from scipy.stats import norm

from regulars_workbench.simulator.clock import DAY_S, YEAR, Clock, Ints
from regulars_workbench.simulator.draw.orders import purchases
from regulars_workbench.simulator.draw.people import gamma, people, scores
from regulars_workbench.simulator.rows import keys, ordinals, seconds_of, who_of
from regulars_workbench.simulator.shop import SHOPS, TRAITS, Channel, Gamma, Shop
from regulars_workbench.simulator.truth import oracle
from regulars_workbench.simulator.worlds import tail_of

FLAT = Shop(months=(1.0,) * 12, weekdays=(1.0,) * 7, holidays=0.0, growth=0.0)
START, END = date(2023, 7, 1), date(2026, 7, 1)


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_the_copula_has_the_documented_correlations(shop: Shop) -> None:
    """Scores are normal, with the correlations of the shop."""
    drawn = np.array(list(scores(np.random.default_rng(1), shop, 50_000).values()))
    assert np.corrcoef(drawn) == pytest.approx(np.array(shop.correlation), abs=0.02)
    assert np.quantile(drawn, [0.1, 0.5, 0.9]) == pytest.approx(norm.ppf([0.1, 0.5, 0.9]), abs=0.02)
    assert len(shop.correlation) == len(TRAITS)


@pytest.mark.parametrize("law", [Gamma(1.1, 21.0), Gamma(0.8, 0.5), Gamma(6.0, 12.0)])
def test_gamma_quantiles_have_an_error_below_a_thousandth(law: Gamma) -> None:
    score = np.linspace(-4, 5, 1_001)
    exact = gamma_law.ppf(norm.cdf(score), law.shape, scale=law.mean / law.shape)
    assert gamma(score, law) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("shop", SHOPS.values(), ids=SHOPS)
def test_the_best_fifth_gets_its_share(shop: Shop) -> None:
    tail = tail_of(shop, START, END)
    assert tail.share == pytest.approx(shop.top_share, abs=0.005)
    assert 1 < tail.index < 4


def test_a_clock_without_seasons_is_a_calendar() -> None:
    clock = Clock.between(START, END, FLAT)
    days = np.arange(0, clock.days)
    assert clock.shopping(days) == pytest.approx(days)


def test_drawn_instants_follow_the_season_and_stay_inside() -> None:
    """Counts by week agree with the clock's shopping time. No instant is outside [since, until]."""
    clock = Clock.between(START, END, SHOPS["grocery"])
    many = 400_000
    since, until = np.array([100.0]), np.array([800.0])
    drawn = clock.draw(np.random.default_rng(1), since, until, np.array([many]))
    assert 100 * DAY_S <= drawn.min() <= drawn.max() <= 800 * DAY_S
    edges = np.arange(100, 801, 7.0)
    passed = np.diff(clock.shopping(edges))
    expected = many * passed / passed.sum()
    counts = np.histogram(drawn / DAY_S, edges)[0]
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected.max())


def test_holidays_are_on_their_days() -> None:
    """Black Friday 2025 was on 28 November. Demand is low on Christmas Day."""
    shop = replace(FLAT, holidays=1.0)
    clock = Clock.between(date(2025, 1, 1), date(2026, 1, 1), shop)
    daily = np.diff(clock.shopping(np.arange(366.0)))
    assert date(2025, 1, 1).toordinal() + int(daily.argmax()) == date(2025, 11, 28).toordinal()
    assert daily[358] < 0.6


def test_keys_pack_and_number_rows() -> None:
    who, seconds = np.array([0, 0, 2, 2, 2]), np.array([5, 2**31, 0, 1, 94_608_000])
    key = keys(who, seconds)
    np.testing.assert_array_equal(who_of(key), who)
    np.testing.assert_array_equal(seconds_of(key), seconds)
    np.testing.assert_array_equal(ordinals(who, 3), [0, 1, 0, 1, 2])


@pytest.mark.parametrize("regularity", [1, 4])
def test_the_oracle_agrees_with_many_futures(regularity: int) -> None:
    """The next 90 days of one customer, drawn 40,000 times: mean orders, and the share without an order."""
    shop = replace(FLAT, regularity=regularity, first_order=1.0)
    many, horizon, lived = 40_000, 90, 400.0
    clock = Clock.between(START, END, shop)
    rng = np.random.default_rng(3)
    drawn = people(rng, clock, shop, 1.5, range(1, many + 1))
    fade, rate, hazard = np.full(many, 20.0), np.full(many, 6.0), np.full(many, 1.5)
    born = np.zeros(many)
    leaves = lived + fade + YEAR * rng.standard_exponential(many) / hazard
    block = replace(drawn, joined=born, leaves=leaves, fade=fade, rate=rate, hazard=hazard)
    key = purchases(rng, clock, shop, block, np.zeros(0, np.int64))
    day = seconds_of(key) / DAY_S
    last, orders = np.zeros(many), np.zeros(many)
    past, coming = day < lived, (day >= lived) & (day < lived + horizon)
    np.maximum.at(last, who_of(key)[past], day[past])
    np.add.at(orders, who_of(key)[coming], 1)
    forecast = oracle.forecast(shop, Clock.between(END, date(2027, 7, 1), shop), block, lived, lived - last)
    assert orders.mean() == pytest.approx(forecast.orders[horizon].mean(), rel=0.02)
    assert (orders == 0).mean() == pytest.approx(forecast.p_no_order[horizon].mean(), abs=0.01)
    quiet = forecast.p_no_order[horizon] > np.median(forecast.p_no_order[horizon])
    if quiet.any():  # with regular gaps, the next order is not due soon after the last
        assert (orders[quiet] == 0).mean() == pytest.approx(forecast.p_no_order[horizon][quiet].mean(), abs=0.015)


def plain(rate: Gamma, hazard: Gamma) -> Shop:
    """Return a shop of plain Pareto/NBD: no correlation, one channel, no season, and an order at each sign-up."""
    identity = tuple(tuple(float(row == column) for column in range(len(TRAITS))) for row in range(len(TRAITS)))
    channels = (("organic", Channel(1.0, 0, 1.0)),)
    return replace(FLAT, rate=rate, hazard=hazard, first_order=1.0, correlation=identity, channels=channels)


def histories(shop: Shop, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return repeat orders, years from first to last order, and years from first order to the end."""
    clock = Clock.between(START, END, shop)
    rng = np.random.default_rng(5)
    block = people(rng, clock, shop, 1.5, range(1, count + 1))
    key: Ints = purchases(rng, clock, shop, block, np.zeros(0, np.int64))
    who, day = who_of(key), seconds_of(key) / DAY_S
    buyers, place = np.unique(who, return_index=True)
    first, last = day[place], np.maximum.reduceat(day, place)
    repeats = np.bincount(who)[buyers] - 1
    return repeats, (last - first) / YEAR, (clock.days - first) / YEAR
