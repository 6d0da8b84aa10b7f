"""Blend weights: the best when they are clearly best, else equal ones."""

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
        choices = weight_choices(models)
        assert choices[0] == pytest.approx(equal_weights(models))
        assert all(sum(weights) == pytest.approx(1) for weights in choices)
        assert len(set(choices)) == len(choices)


def test_a_model_that_is_far_better_gets_all() -> None:
    good, poor = TRUTH, TRUTH + RNG.normal(size=2_000)
    assert learn_weights([poor, good, poor], squared) == (0, 1, 0)


def test_equally_good_models_get_equal_weights() -> None:
    """Their errors are independent, so the mean of all three is best."""
    parts = [TRUTH + RNG.normal(size=2_000) for _ in range(3)]
    assert learn_weights(parts, squared) == pytest.approx(equal_weights(3))


def test_a_difference_within_noise_changes_nothing() -> None:
    same = TRUTH + RNG.normal(size=2_000)
    assert learn_weights([same, same + 1e-4], squared) == pytest.approx((0.5, 0.5))
