"""Blend weights: the best are taken where they are clearly best, and equal ones where they are not."""

import numpy as np
import pytest

from regulars.arrays import FloatArray
from regulars_training.models.blend import equal_weights, learn_weights, weight_choices

RNG = np.random.default_rng(1)
TRUTH = RNG.normal(size=2_000)


def squared(blend: FloatArray) -> FloatArray:
    return np.asarray((blend - TRUTH) ** 2)


def test_choices_add_up_and_begin_with_the_most_equal() -> None:
    for models in (2, 3):
        found = weight_choices(models)
        assert found[0] == pytest.approx(equal_weights(models))
        assert all(sum(each) == pytest.approx(1) for each in found)
        assert len(set(found)) == len(found)


def test_a_model_that_is_far_better_gets_all() -> None:
    good, poor = TRUTH, TRUTH + RNG.normal(size=2_000)
    assert learn_weights([poor, good, poor], squared) == (0, 1, 0)


def test_models_that_are_as_good_get_the_same() -> None:
    """Each with errors of its own: the mean of all three is best, and is what is taken."""
    parts = [TRUTH + RNG.normal(size=2_000) for _ in range(3)]
    assert learn_weights(parts, squared) == pytest.approx(equal_weights(3))


def test_a_difference_within_noise_changes_nothing() -> None:
    same = TRUTH + RNG.normal(size=2_000)
    assert learn_weights([same, same + 1e-4], squared) == pytest.approx((0.5, 0.5))
