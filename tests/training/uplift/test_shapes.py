"""Effects by shape, on simulated shoppers."""

import numpy as np
import pytest

from regulars.actions.effects.shapes import SHAPED, Shape
from regulars_training.uplift.shapes import fit_slope, later_effect, learn_shapes
from tests.training.uplift.shoppers import shoppers


def columns(**changed: float) -> dict[str, np.ndarray]:
    known = {"process_alive": 0.8, "process_orders": 0.8, "repeat_days": 9.0, "discount_share": 0.03} | changed
    return {name: np.array([value]) for name, value in known.items()}


def test_a_shape_equals_the_formula() -> None:
    shape = Shape(part=1, discount=1, quiet=0.5)
    ratio = (10 * 0.06 / 0.03 + 6) / 16
    expected = 0.8 * np.exp(-0.5) * 2 * ratio / (1 + ratio)
    assert shape.of(columns(discount_share=0.06), 0.03)[0] == pytest.approx(expected)


def test_usual_unknown_and_absent_discounts_change_nothing() -> None:
    shape, plain = Shape(part=1, discount=2, quiet=0), 0.8
    for asked, usual in ((0.03, 0.03), (np.nan, 0.03), (0.0, 0.0)):
        assert shape.of(columns(discount_share=asked), usual)[0] == pytest.approx(plain)


def test_a_customer_who_has_left_has_no_effect() -> None:
    assert Shape(part=1, discount=1, quiet=1).of(columns(process_alive=0.0, process_orders=0.0), 0.03)[0] == 0


def test_the_true_shape_is_found() -> None:
    experiment = shoppers(responds=True)
    _, fitted = learn_shapes({"one": experiment}, SHAPED)
    assert all(shape.discount > 0 for shape in fitted.shapes)
    assert sum(shape.part for shape in fitted.shapes if shape.quiet >= 0.5) > 0.9 * sum(
        shape.part for shape in fitted.shapes
    )


def test_the_held_out_slope_is_near_one() -> None:
    experiment = shoppers(responds=True)
    held_out, _ = learn_shapes({"one": experiment}, SHAPED)
    slope, variance = fit_slope(held_out["one"], experiment)
    assert slope == pytest.approx(1.0, abs=3 * variance**0.5)


@pytest.mark.parametrize("seed", range(4))
def test_without_an_effect_the_slope_is_near_zero(seed: int) -> None:
    experiment = shoppers(responds=False, seed=seed)
    held_out, _ = learn_shapes({"one": experiment}, SHAPED)
    assert fit_slope(held_out["one"], experiment).evidence < 2.6**2


def test_the_later_effect_is_a_share_of_the_early_one() -> None:
    """Half of the early effect follows later; or none."""
    soon, whole = shoppers(responds=True), shoppers(responds=True, later=0.5)
    score = {"one": learn_shapes({"one": soon}, SHAPED)[0]["one"]}
    none = later_effect(score, {"one": soon}, {"one": soon})
    assert none.slope == 0
    result = later_effect(score, {"one": soon}, {"one": whole})
    assert result.slope == pytest.approx(0.5, abs=3 * result.variance**0.5)
