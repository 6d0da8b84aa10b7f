"""Which offers count: those of eligible customers that pay, and that reach the minimum return."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars.actions.catalogue import parse
from regulars.actions.effects.sources import effect_sources
from regulars.actions.offers import Offers
from regulars.actions.valuation import Valuation
from tests.regulars.actions.catalogues import action, people, raw


def valuation(*actions: dict[str, Any], **plan: Any) -> Valuation:
    catalogue = parse(raw(*actions, plan={"margin": 0.5} | plan))
    return Valuation(catalogue, effect_sources(catalogue, Path()), 0.5)


def offers(cost: list[list[float]], eligible: list[list[bool]]) -> Offers:
    return Offers(np.array(eligible), np.zeros_like(eligible), np.array(cost))


def test_gains_have_one_row_for_each_action() -> None:
    """Churn from 0.5 to 0.45 of a customer who brings 200 when ordering: 10.00 of revenue, 5.00 of margin."""
    gain = valuation(action(), action(name="twice", effect=action()["effect"] | {"likely": -0.15})).gains(people(2))
    assert gain == pytest.approx(np.array([[500, 500], [750, 750]]))


@pytest.mark.parametrize(
    ("cost", "min_return", "profit"), [(100.0, 0.0, 400.0), (500.0, 0.0, 0.0), (400.0, 0.25, 100.0), (401.0, 0.25, 0.0)]
)
def test_an_offer_counts_if_it_pays_and_reaches_the_minimum_return(
    cost: float, min_return: float, profit: float
) -> None:
    valued = valuation(min_return=min_return)
    gain = valued.gains(people(2))
    assert valued.profits(gain, offers([[cost, cost]], [[True, False]])) == pytest.approx(np.array([[profit, 0.0]]))


def test_a_break_even_effect_on_value_is_in_units_of_currency() -> None:
    effect = {"on": "value", "how": "absolute", "low": 1, "likely": 4, "high": 5}
    valued = valuation(action(effect=effect)).valued(0, people(1), np.array([100.0]))
    assert valued.break_even == pytest.approx([2.0])  # 2.00 of revenue at a margin of a half pays 1.00
