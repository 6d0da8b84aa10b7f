"""Global importance of features: gain in training, and the rise of the loss when a feature is shuffled."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from regulars.arrays import FloatArray
from regulars.models.reasons import GROUPS, PURCHASE_HISTORY, group_of
from regulars_training.data.dataset import Dataset

Predict = Callable[[Dataset], FloatArray]
Loss = Callable[[Dataset, FloatArray], float]

SAMPLE, REPEATS = 1_000, 2


def by_group(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the sum of the features' shares by group, largest first."""
    total: dict[str, float] = {}
    for name, share in shares.items():
        total[group_of(name)] = total.get(group_of(name), 0.0) + share
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def permutation(predict: Predict, loss: Loss, holdout: Dataset, sample: int = SAMPLE) -> dict[str, Any]:
    """Return the rise of `loss` when a feature, or a whole group, is shuffled among customers.

    Breiman 2001, "Random Forests", on held-out time with at most `sample` customers and REPEATS shuffles. `rise` is the
    mean and `spread` the standard deviation over the shuffles. Features of a group are shuffled together, since each
    alone has little effect when the others carry the same information.
    """
    rng = np.random.default_rng(7)
    rows = rng.permutation(len(holdout.frame))[:sample]
    sampled = Dataset(holdout.frame[rows], holdout.features)
    orders = [rng.permutation(len(rows)) for _ in range(REPEATS)]
    groups: dict[str, list[str]] = {}
    for name in sampled.frame.columns:
        if name in holdout.features or name in GROUPS[PURCHASE_HISTORY]:
            groups.setdefault(group_of(name), []).append(name)
    base = loss(sampled, predict(sampled))

    def rises(parts: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
        rise_of = {}
        for part, names in parts.items():
            rise = [loss(sampled, predict(shuffled)) - base for shuffled in _shuffled(sampled, names, orders)]
            rise_of[part] = {"rise": float(np.mean(rise)), "spread": float(np.std(rise))}
        return dict(sorted(rise_of.items(), key=lambda item: -item[1]["rise"]))

    return {
        "customers": len(rows),
        "loss": base,
        "by_feature": rises({name: [name] for name in holdout.features}),
        "by_group": rises(groups),
    }


def _shuffled(data: Dataset, names: Sequence[str], orders: Sequence[npt.NDArray[np.int64]]) -> Iterator[Dataset]:
    """Yield the data for each of `orders`, with the named columns reordered together."""
    for order in orders:
        yield Dataset(data.frame.with_columns(pl.col(list(names)).gather(order)), data.features)
