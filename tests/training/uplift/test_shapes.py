"""Effects by shape, on made-up shoppers."""

import numpy as np
import pytest

from regulars.actions.uplift import SHAPED, Shape
from regulars_training.uplift.shapes import fit_slope, later, learn_shapes
from tests.training.uplift.shoppers import shoppers


def columns(**changed: float) -> dict[str, np.ndarray]:
    known = {"process_alive": 0.8, "process_orders": 0.8, "repeat_days": 9.0, "discount_share": 0.03} | changed
    return {name: np.array([value]) for name, value in known.items()}


def test_a_shape_is_the_one_by_hand() -> None:
    shape = Shape(part=1, discount=1, quiet=0.5)
    ratio = (10 * 0.06 / 0.03 + 6) / 16
    expected = 0.8 * np.exp(-0.5) * 2 * ratio / (1 + ratio)
    assert shape.of(columns(discount_share=0.06), 0.03)[0] == pytest.approx(expected)


def test_the_usual_discount_an_unknown_one_and_none_anywhere_change_nothing() -> None:
    shape, plain = Shape(part=1, discount=2, quiet=0), 0.8
    for asked, usual in ((0.03, 0.03), (np.nan, 0.03), (0.0, 0.0)):
        assert shape.of(columns(discount_share=asked), usual)[0] == pytest.approx(plain)


def test_who_has_left_is_not_moved() -> None:
    assert Shape(part=1, discount=1, quiet=1).of(columns(process_alive=0.0, process_orders=0.0), 0.03)[0] == 0


def test_the_shape_that_is_there_is_found() -> None:
    made = shoppers(responds=True)
    _, fitted = learn_shapes({"one": made}, SHAPED)
    assert all(shape.discount > 0 for shape in fitted.shapes)
    assert sum(shape.part for shape in fitted.shapes if shape.quiet >= 0.5) > 0.9 * sum(
        shape.part for shape in fitted.shapes
    )


def test_held_out_level_is_near_one_where_the_effect_is_as_learnt() -> None:
    made = shoppers(responds=True)
    held_out, _ = learn_shapes({"one": made}, SHAPED)
    slope, variance = fit_slope(held_out["one"], made)
    assert slope == pytest.approx(1.0, abs=3 * variance**0.5)


@pytest.mark.parametrize("seed", range(4))
def test_without_an_effect_the_level_holds_zero(seed: int) -> None:
    made = shoppers(responds=False, seed=seed)
    held_out, _ = learn_shapes({"one": made}, SHAPED)
    assert fit_slope(held_out["one"], made).evidence < 2.6**2


def test_what_comes_later_is_a_part_of_what_comes_soon() -> None:
    """Half as much again later; and nothing where nothing follows."""
    soon, whole = shoppers(responds=True), shoppers(responds=True, later=0.5)
    score = {"one": learn_shapes({"one": soon}, SHAPED)[0]["one"]}
    none = later(score, {"one": soon}, {"one": soon})
    assert none.slope == 0
    found = later(score, {"one": soon}, {"one": whole})
    assert found.slope == pytest.approx(0.5, abs=3 * found.variance**0.5)
