"""Blend weights. Of all weights within one standard error of the best, the most equal ones are taken."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from regulars.arrays import FloatArray

PARTS = 6
"""Weights are multiples of 1 / PARTS."""


def weight_choices(models: int) -> list[tuple[float, ...]]:
    """Return every split of 1 into sixths over `models`, the most equal first."""
    splits = [split for split in product(range(PARTS + 1), repeat=models) if sum(split) == PARTS]
    splits.sort(key=lambda split: (sum((part - PARTS / models) ** 2 for part in split), split))
    return [tuple(part / PARTS for part in split) for split in splits]


def learn_weights(predictions: Sequence[FloatArray], loss: Callable[[FloatArray], FloatArray]) -> tuple[float, ...]:
    """Return the weights for `predictions`, each (n,). `loss` maps a blend (n,) to the loss of each row (n,)."""
    options = weight_choices(len(predictions))
    losses = np.stack([loss(weighted_sum(predictions, weights)) for weights in options])
    best = int(losses.mean(axis=1).argmin())
    gap = losses - losses[best]
    error = gap.std(axis=1) / np.sqrt(gap.shape[1])
    return options[int(np.argmax(gap.mean(axis=1) <= error))]


def weighted_sum(predictions: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """Return the weighted sum, shape (n,)."""
    parts = [weight * prediction for weight, prediction in zip(weights, predictions, strict=True)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def equal_weights(models: int) -> tuple[float, ...]:
    """Return equal weights."""
    return (1 / models,) * models
