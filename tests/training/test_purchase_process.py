"""Fitting the purchase process: true constants are recovered; poor data gives finite constants."""

import numpy as np
import pytest

from regulars.arrays import FloatArray
from regulars.models.purchase_process import Purchases
from regulars_training import purchase_process
from regulars_training.evaluation.baselines import bgnbd, fit_bgnbd


def customers(count: int = 20_000) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw repeats, last and age in weeks with the constants published for CDNOW's Pareto/NBD."""
    rng = np.random.default_rng(11)
    rate = rng.gamma(0.553, 1 / 10.58, count)
    lifetime = rng.exponential(1 / rng.gamma(0.606, 1 / 11.67, count))
    age = rng.uniform(27, 39, count)
    seen = np.minimum(lifetime, age)
    repeats = rng.poisson(rate * seen).astype(np.float64)
    return repeats, np.where(repeats > 0, seen * rng.beta(np.maximum(repeats, 1), 1), 0.0), age


@pytest.mark.parametrize("spread", [np.inf, purchase_process.SPREAD])
def test_true_constants_are_recovered(spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the prior, which is weak."""
    monkeypatch.setattr(purchase_process, "CUSTOMERS", 20_000)
    r, alpha, s, beta = purchase_process.fit_timing(*customers(), spread)
    assert r == pytest.approx(0.553, rel=0.1)
    assert r / alpha == pytest.approx(0.553 / 10.58, rel=0.1)
    assert s == pytest.approx(0.606, rel=0.25)
    assert s / beta == pytest.approx(0.606 / 11.67, rel=0.25)


def test_the_gradient_is_that_of_the_likelihood() -> None:
    rows = customers(500)
    theta = np.log([0.5, 0.05, 0.6, 0.05])
    _, slope = purchase_process._timing(theta, *rows)  # noqa: SLF001 - the search uses this gradient
    for place in range(4):
        step = np.eye(4)[place] * 1e-5
        ahead, behind = (purchase_process._timing(theta + sign * step, *rows)[0] for sign in (1, -1))  # noqa: SLF001 - the likelihood itself
        assert slope[place] == pytest.approx((ahead - behind) / 2e-5, rel=1e-4)


def test_spend_constants_are_recovered() -> None:
    """Gamma-Gamma with the constants published for CDNOW."""
    rng = np.random.default_rng(5)
    days = rng.integers(1, 6, 40_000).astype(np.float64)
    scale = rng.gamma(3.74, 1 / 15.44, 40_000)
    spend = rng.gamma(6.25 * days, 1 / scale) / days
    p, q, gamma = purchase_process.fit_spend(days, spend, np.inf)
    assert p == pytest.approx(6.25, rel=0.05)
    assert q == pytest.approx(3.74, rel=0.05)
    assert p * gamma / (q - 1) == pytest.approx(6.25 * 15.44 / 2.74, rel=0.03)


@pytest.mark.parametrize(
    ("repeats", "last", "age", "spend"),
    [
        (0.0, 0.0, 100.0, 500.0),
        (0.0, 0.0, 1.0, 0.0),
        (9.0, 90.0, 100.0, 1e9),
    ],
    ids=["nobody came back", "all came today, for nothing", "all are alike"],
)
def test_identical_customers_give_finite_constants(repeats: float, last: float, age: float, spend: float) -> None:
    some = Purchases(*(np.full(80, value) for value in (repeats, last, age, spend)))
    fitted = purchase_process.fit(some)
    assert all(np.isfinite(value) and value > 0 for value in fitted.model_dump().values())


def test_the_bgnbd_baseline_recovers_its_constants() -> None:
    """r=.243, alpha=4.414, a=.793, b=2.426 in weeks; its forecasts match those customers' orders."""
    rng = np.random.default_rng(2)
    count, weeks = 20_000, 39.0
    rate = rng.gamma(0.243, 1 / 4.414, count)
    leave = rng.beta(0.793, 2.426, count)
    repeats, last, ahead = np.zeros(count), np.zeros(count), np.zeros(count)
    moment, alive = np.zeros(count), np.ones(count, dtype=bool)
    while (alive & (moment < 2 * weeks)).any():
        moment = moment + rng.exponential(1 / np.maximum(rate, 1e-12))
        known, later = alive & (moment <= weeks), alive & (moment > weeks) & (moment <= 2 * weeks)
        repeats += known
        last = np.where(known, moment, last)
        ahead += later
        alive &= rng.random(count) > leave
    fitted = fit_bgnbd(repeats, last, np.full(count, weeks), np.inf)
    np.testing.assert_allclose(fitted[:2], (0.243, 4.414), rtol=0.15)
    orders, none = bgnbd(fitted, Purchases(repeats, last, np.full(count, weeks), last), weeks)
    assert orders.sum() == pytest.approx(ahead.sum(), rel=0.05)
    assert none.mean() == pytest.approx((ahead == 0).mean(), abs=0.01)
