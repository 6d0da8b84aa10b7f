"""The band that a churn probability falls into."""

import numpy as np

from regulars.models.tasks.churn import bands


def test_a_band_begins_at_its_limit() -> None:
    named = bands(np.array([0.0, 0.349, 0.35, 0.649, 0.65, 1.0]), (0.35, 0.65))
    assert named.tolist() == ["low", "low", "medium", "medium", "high", "high"]
