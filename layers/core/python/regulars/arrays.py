"""The type of float arrays, and formulas that training and serving share."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LEAST_PROBABILITY = 1e-9
"""Probabilities are clipped to this distance from 0 and 1, so that their logarithms are finite."""


def log_odds(probability: FloatArray) -> FloatArray:
    """Return log(p / (1 - p)), with p clipped by LEAST_PROBABILITY; the same shape."""
    clipped = np.clip(probability, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
    odds: FloatArray = np.log(clipped) - np.log1p(-clipped)
    return odds


def inverse_logit(odds: FloatArray) -> FloatArray:
    """Return the probability whose log odds are `odds`: 1 / (1 + exp(-odds)); the same shape."""
    probability: FloatArray = 1.0 / (1.0 + np.exp(-odds))
    return probability


def shifted(probability: FloatArray, shift: FloatArray | float) -> FloatArray:
    """Return probabilities whose log odds are moved by `shift`; the same shape."""
    return inverse_logit(log_odds(probability) + shift)
