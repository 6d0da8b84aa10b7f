"""When contacting a customer pays, and how a probability is called."""

import numpy as np

from regulars.models.tasks.churn import bands, threshold


def test_a_contact_pays_where_what_it_saves_exceeds_its_cost() -> None:
    """5.00 a contact, one in ten is kept: worth it from a churn probability of .5 on for who would cost 100.00."""
    found = threshold(np.array([10_000.0, 5_000.0, 2_500.0, 0.0, -1.0]), 500.0, 0.1)
    np.testing.assert_allclose(found, [0.5, 1.0, 2.0, np.inf, np.inf])


def test_a_free_contact_always_pays() -> None:
    np.testing.assert_array_equal(threshold(np.array([100.0]), 0.0, 0.5), [0.0])


def test_a_band_begins_at_its_limit() -> None:
    named = bands(np.array([0.0, 0.349, 0.35, 0.649, 0.65, 1.0]), (0.35, 0.65))
    assert named.tolist() == ["low", "low", "medium", "medium", "high", "high"]
