"""The purchase process at serving: by its definition, alone as among many, and at extremes."""

import numpy as np
import pytest

from regulars.arrays import shifted
from regulars.features.table import FeatureTable
from regulars.models import purchase_process
from regulars.models.process_forecasts import FEATURES, HORIZON, with_process
from regulars.models.purchase_process import Process, Purchases

CDNOW = Process(r=0.553, alpha=74.06, s=0.606, beta=81.69, p=6.25, q=3.74, gamma=1544.0)
"""The published constants (Fader, Hardie & Lee 2005), weeks as days and dollars as cents."""

HISTORIES = [(0, 0, 1), (0, 0, 270), (1, 30, 270), (3, 260, 270), (3, 20, 270), (40, 260, 270), (40, 60, 900)]


def of(*rows: tuple[float, float, float]) -> Purchases:
    repeats, last, age = np.array(rows, dtype=np.float64).T
    return Purchases(repeats, last, age, np.full(len(rows), 2_000.0))


def simulated(constants: Process, days: float, customers: int = 400_000) -> tuple[Purchases, np.ndarray]:
    """Draw customers of age 270 days from the model, and their days of purchase in the next `days`."""
    rng = np.random.default_rng(3)
    rate = rng.gamma(constants.r, 1 / constants.alpha, customers)
    lifetime = rng.exponential(1 / rng.gamma(constants.s, 1 / constants.beta, customers))
    seen = np.minimum(lifetime, 270.0)
    repeats = rng.poisson(rate * seen).astype(np.float64)
    last = np.where(repeats > 0, seen * rng.beta(np.maximum(repeats, 1), 1), 0.0)
    ahead = rng.poisson(rate * np.clip(lifetime - 270.0, 0.0, days))
    return Purchases(repeats, last, np.full(customers, 270.0), np.full(customers, 2_000.0)), ahead


def test_forecasts_equal_what_simulated_customers_do() -> None:
    """Expected orders and P(no order), of all customers and of groups by their history."""
    known, ahead = simulated(CDNOW, 180.0)
    expected, none = (
        purchase_process.expected_orders(CDNOW, known, 180.0),
        purchase_process.p_no_order(CDNOW, known, 180.0),
    )
    groups = [known.repeats == 0, known.repeats == 1, (known.repeats > 3) & (known.last > 200), known.last < 100]
    for group in (np.ones(len(ahead), dtype=bool), *groups):
        error = ahead[group].std() / np.sqrt(group.sum())
        assert expected[group].mean() == pytest.approx(ahead[group].mean(), abs=5 * error)
        assert none[group].mean() == pytest.approx((ahead[group] == 0).mean(), abs=5 * 0.5 / np.sqrt(group.sum()))


def test_p_alive_equals_numerical_integration() -> None:
    """Over the day of leaving, on a fine grid."""
    for repeats, last, age in HISTORIES:
        days = np.linspace(last, age, 200_001)
        density = CDNOW.s * CDNOW.beta**CDNOW.s * (CDNOW.beta + days) ** -(CDNOW.s + 1)
        left = np.trapezoid(density * ((CDNOW.alpha + age) / (CDNOW.alpha + days)) ** (CDNOW.r + repeats), days)
        stayed = (CDNOW.beta / (CDNOW.beta + age)) ** CDNOW.s
        probability = purchase_process.p_alive(CDNOW, of((repeats, last, age)))[0]
        assert probability == pytest.approx(stayed / (stayed + left), rel=1e-5, abs=1e-12)


def test_longer_horizons_have_more_orders_and_a_lower_p_no_order() -> None:
    known = of(*HISTORIES)
    days = [1.0, 30.0, 90.0, 365.0, 3_650.0]
    assert (np.diff([purchase_process.expected_orders(CDNOW, known, span) for span in days], axis=0) > 0).all()
    assert (np.diff([purchase_process.p_no_order(CDNOW, known, span) for span in days], axis=0) <= 0).all()
    np.testing.assert_allclose(purchase_process.p_no_order(CDNOW, known, 0.0), 1.0)


def test_expected_orders_are_continuous_at_s_equal_to_one() -> None:
    """The closed form of the expected orders divides by s - 1."""
    near = [CDNOW.model_copy(update={"s": s}) for s in (1 - 1e-4, 1.0, 1 + 1e-4)]
    below, at, above = (purchase_process.expected_orders(constants, of(*HISTORIES), 90.0) for constants in near)
    np.testing.assert_allclose(at, (below + above) / 2, rtol=1e-6)


def test_expected_spend_lies_between_the_customers_mean_and_that_of_all() -> None:
    everyone = CDNOW.p * CDNOW.gamma / (CDNOW.q - 1)
    few, many = purchase_process.expected_spend(CDNOW, of((0, 0, 9), (99, 9, 9)))
    assert everyone > few > many or everyone < few < many
    assert many == pytest.approx(2_000.0, rel=0.02)


def test_a_customer_alone_gets_the_same_bits() -> None:
    known, _ = simulated(CDNOW, 1.0, customers=1_000)
    columns = {
        "repeat_days": known.repeats,
        "last_repeat_days": known.last,
        "customer_age_days": known.age,
        "mean_purchase_day_cents": known.spend,
    }
    names = np.array([str(number) for number in range(1_000)], dtype=object)
    many = with_process(FeatureTable(names, columns), CDNOW, 90, 180).columns
    for row in range(0, 1_000, 97):
        alone = {name: values[row : row + 1] for name, values in columns.items()}
        single = with_process(FeatureTable(names[row : row + 1], alone), CDNOW, 90, 180).columns
        for name in (*FEATURES, *HORIZON):
            assert single[name].tobytes() == many[name][row : row + 1].tobytes(), name


@pytest.mark.parametrize("constants", [CDNOW, CDNOW.model_copy(update={"r": 1e-3, "s": 1e-3, "beta": 1e5})])
def test_extreme_histories_have_finite_forecasts(constants: Process) -> None:
    """Thousands of days of purchase, decades without an order, an order just now."""
    known = of((5_000, 5_000, 5_000), (5_000, 5_000, 30_000), (0, 0, 0), (0, 0, 30_000), (1, 0.001, 30_000))
    for forecasts in (
        purchase_process.p_alive(constants, known),
        purchase_process.p_no_order(constants, known, 90.0),
        purchase_process.expected_orders(constants, known, 90.0),
        purchase_process.expected_spend(constants, known),
    ):
        assert np.isfinite(forecasts).all()
        assert (forecasts >= 0).all()


def test_the_next_order_is_where_p_no_order_is_one_half() -> None:
    known = of(*HISTORIES)
    days = purchase_process.days_to_next_order(CDNOW, known, np.zeros(len(HISTORIES)), 90)
    expected = ~np.isnan(days)
    assert expected.any()
    assert not expected.all()
    for row in np.flatnonzero(expected):
        assert purchase_process.p_no_order(CDNOW, of(HISTORIES[row]), days[row])[0] == pytest.approx(0.5, abs=0.05)
    later = purchase_process.days_to_next_order(CDNOW, known, np.full(len(HISTORIES), 0.5), 90)
    assert (later[expected & ~np.isnan(later)] > days[expected & ~np.isnan(later)]).all()


def test_a_shift_and_its_opposite_cancel() -> None:
    probability = np.array([0.001, 0.3, 0.999])
    np.testing.assert_allclose(shifted(shifted(probability, 2.0), -2.0), probability)
