"""The worth of an action: the formulas by hand, and their bounds."""

from typing import Any

import numpy as np
import pytest

from regulars.actions.effects.effect import AssumedEffect
from regulars.actions.value import Worth, worth
from regulars.actions.words import reasons
from tests.regulars.actions.catalogues import people


def valued(on: Any, how: Any, likely: float, cost: float = 100.0, **columns: float) -> Worth:
    table = people(1) | {name: np.array([value]) for name, value in columns.items()}
    effect = AssumedEffect(on, how, likely / 2, likely, likely * 1.5).of(table, 1)
    return worth(table, effect, np.array([cost]), 0.5, 100.0)


@pytest.mark.parametrize(
    ("on", "how", "likely", "gain"),
    [
        ("churn", "relative", -0.1, 500),  # churn .5 to .45 of a customer who brings 200 when ordering: 10, margin 5
        ("churn", "absolute", -0.1, 1000),
        ("churn", "relative", 0.1, -500),
        ("orders", "relative", 0.1, 500),
        ("orders", "absolute", 0.1, 250),
        ("value", "relative", 0.1, 500),
        ("value", "absolute", 1000, 500),
    ],
)
def test_gains_are_those_by_hand(on: str, how: str, likely: float, gain: float) -> None:
    value = valued(on, how, likely)
    assert value.gain == pytest.approx([gain])
    assert value.profit == pytest.approx([gain - 100])
    assert value.break_even * gain == pytest.approx([100 * likely])
    assert value.low < value.profit < value.high


def test_a_break_even_effect_breaks_even() -> None:
    first = valued("churn", "relative", -0.1)
    assert valued("churn", "relative", float(first.break_even[0])).profit == pytest.approx([0.0], abs=1e-9)


def test_an_effect_stays_within_its_bounds() -> None:
    """Churn stays between 0 and 1, and no customer brings less than nothing."""
    assert valued("churn", "absolute", -0.9).gain == pytest.approx(valued("churn", "absolute", -0.5).gain)
    assert valued("value", "absolute", -1e9).gain == pytest.approx([-5000])


def test_a_customer_who_has_almost_certainly_left_is_worth_little() -> None:
    """A forecast of 0.01 with P(order) = 1 in 10,000 does not make the customer worth 100."""
    value = valued("churn", "relative", -0.1, churn_probability=0.9999, predicted_value=0.01)
    assert 0 < value.gain[0] < 2


def test_a_customer_without_value_never_pays_and_has_no_break_even() -> None:
    value = valued("churn", "relative", -0.1, predicted_value=0.0)
    assert value.profit == pytest.approx([-100])
    assert np.isnan(value.break_even).all()


def test_the_interval_joins_the_errors_of_effect_and_value_as_independent() -> None:
    value = valued("orders", "relative", 0.1, predicted_value_low=20.0, predicted_value_high=220.0)
    assert value.profit - value.low == pytest.approx([np.hypot(250, 400)])
    assert value.high - value.profit == pytest.approx([np.hypot(250, 600)])


def test_the_reason_has_the_numbers() -> None:
    table = people(1)
    effect = AssumedEffect("churn", "relative", -0.05, -0.1, -0.15).of(table, 1)
    [reason] = reasons(table, effect, worth(table, effect, np.array([100.0]), 0.5, 100.0), 100.0)
    assert reason == "churn 50.0 % to 45.0 %: 5.00 more margin for 1.00; pays from -2.00 % on"
