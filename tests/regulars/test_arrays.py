"""Formulas that training and serving share."""

import numpy as np
import pytest

from regulars.arrays import inverse_logit, log_odds


def test_inverse_logit_undoes_log_odds() -> None:
    probability = np.array([1e-6, 0.3, 0.5, 0.999])
    np.testing.assert_allclose(inverse_logit(log_odds(probability)), probability)
    assert log_odds(np.array([0.75]))[0] == pytest.approx(np.log(3.0))


def test_log_odds_of_certainty_are_finite() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
