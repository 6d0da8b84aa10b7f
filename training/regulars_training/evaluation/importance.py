"""What a model hangs on, over all customers: gain in training, and loss on held-out time when a feature is shuffled."""

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
    """Add up shares of features by group, largest first."""
    total: dict[str, float] = {}
    for name, share in shares.items():
        total[group_of(name)] = total.get(group_of(name), 0.0) + share
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def permutation(predict: Predict, loss: Loss, holdout: Dataset, sample: int = SAMPLE) -> dict[str, Any]:
    """Return by how much `loss` rises when a feature, or a whole group, is dealt out anew among customers.

    Breiman 2001, "Random Forests", on held-out time and at most `sample` customers, REPEATS times; `rise` is the mean,
    `spread` the standard deviation over repeats. A group's features move together: shuffled one by one, each would hide
    behind the others that say the same.
    """
    rng = np.random.default_rng(7)
    rows = rng.permutation(len(holdout.frame))[:sample]
    few = Dataset(holdout.frame[rows], holdout.features)
    deals = [rng.permutation(len(rows)) for _ in range(REPEATS)]
    groups: dict[str, list[str]] = {}
    for name in few.frame.columns:
        if name in holdout.features or name in GROUPS[PURCHASE_HISTORY]:
            groups.setdefault(group_of(name), []).append(name)
    base = loss(few, predict(few))

    def rises(parts: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
        found = {}
        for part, names in parts.items():
            rise = [loss(few, predict(moved)) - base for moved in _dealt(few, names, deals)]
            found[part] = {"rise": float(np.mean(rise)), "spread": float(np.std(rise))}
        return dict(sorted(found.items(), key=lambda item: -item[1]["rise"]))

    return {
        "customers": len(rows),
        "loss": base,
        "by_feature": rises({name: [name] for name in holdout.features}),
        "by_group": rises(groups),
    }


def _dealt(data: Dataset, names: Sequence[str], deals: Sequence[npt.NDArray[np.int64]]) -> Iterator[Dataset]:
    """Yield the data with the named columns in another order, the same for all of them."""
    for deal in deals:
        yield Dataset(data.frame.with_columns(pl.col(list(names)).gather(deal)), data.features)
