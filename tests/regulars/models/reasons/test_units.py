"""Contributions to a margin become effects on the answer, with the right sum."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regulars.models.reasons import Effects, in_answer_units
from regulars.models.reasons.units import Link

NAMES = ("a", "b", "c")


def sigmoid(margin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-margin))


LINKS: dict[str, Link] = {
    "money": lambda margin: np.exp(margin) * 1.3,
    "calibrated": lambda margin: sigmoid(margin + 0.4),
    "power": lambda margin: np.clip(margin, 0.0, 1.0) ** 2.5,
    "identity": lambda margin: margin,
}
contributions = arrays(np.float64, (4, 3), elements=st.floats(-3, 3, allow_subnormal=False))


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())
@given(parts=contributions, extra=arrays(np.float64, 4, elements=st.floats(-2, 2)))
def test_base_and_effects_add_up_to_the_answer(
    link: Link, parts: npt.NDArray[np.float64], extra: npt.NDArray[np.float64]
) -> None:
    """Also with a named part, and with contributions that cancel out."""
    base = np.array([0.1, 0.5, -1.0, 0.0])
    parts[0, 2] = -parts[0, :2].sum() - extra[0]
    effects = in_answer_units(NAMES, parts, base, link, {"purchase_history": extra})
    answer = link(base + parts.sum(axis=1) + extra)
    assert effects.names == (*NAMES, "purchase_history")
    np.testing.assert_allclose(effects.base, link(base))
    np.testing.assert_allclose(effects.base + effects.values.sum(axis=1), answer, atol=1e-6)
    exact = effects.summing_to(np.round(answer, 2))
    np.testing.assert_allclose(exact.base + exact.values.sum(axis=1), np.round(answer, 2), atol=1e-12)


def test_signs_order_and_ties_are_kept() -> None:
    parts = np.array([[2.0, -0.5, 2.0], [-1.0, 0.25, -0.5]])
    effects = in_answer_units(NAMES, parts, np.array([3.0, 3.0]), LINKS["money"])
    np.testing.assert_array_equal(np.sign(effects.values), np.sign(parts))
    np.testing.assert_array_equal(np.argsort(effects.values), np.argsort(parts))
    assert effects.values[0, 0] == effects.values[0, 2]


def test_parts_that_cancel_out_still_have_their_effects() -> None:
    """Two of the same size and opposite sign: each has the effect of the link's slope, together zero."""
    effects = in_answer_units(("a", "b"), np.array([[2.0, -2.0]]), np.array([1.0]), LINKS["calibrated"])
    slope = float(sigmoid(np.array([1.4]))[0] * (1 - sigmoid(np.array([1.4]))[0]))
    np.testing.assert_allclose(effects.values, [[2 * slope, -2 * slope]], rtol=1e-6)


def test_an_extra_with_a_features_name_is_added_to_it() -> None:
    effects = in_answer_units(NAMES, np.ones((1, 3)), np.zeros(1), LINKS["identity"], {"b": np.array([0.5])})
    assert effects.names == NAMES
    np.testing.assert_allclose(effects.values, [[1.0, 1.5, 1.0]])


def test_the_parts_of_a_blend_are_added_up() -> None:
    """With each weight in the link, the sum explains the blend."""
    rng = np.random.default_rng(1)
    trees, process = rng.normal(size=(5, 3)), rng.normal(size=5)
    blend = 0.7 * np.exp(trees.sum(axis=1)) + 0.3 * (process + 2.0)
    by_trees = in_answer_units(NAMES, trees, np.zeros(5), lambda margin: 0.7 * np.exp(margin))
    extra = {"purchase_history": process}
    by_process = in_answer_units((), np.zeros((5, 0)), np.full(5, 2.0), lambda margin: 0.3 * margin, extra)
    both = by_trees + by_process
    assert both.names == (*NAMES, "purchase_history")
    np.testing.assert_allclose(both.base + both.values.sum(axis=1), blend, atol=1e-9)
    np.testing.assert_allclose((by_trees + by_trees).values, 2 * by_trees.values)


def test_without_effects_the_rounding_error_goes_to_the_base() -> None:
    flat = Effects(("a",), np.zeros((1, 1)), np.array([3.004])).summing_to(np.array([3.0]))
    assert (flat.base[0], flat.values[0, 0]) == (3.0, 0.0)
