"""Fitted boosters and forests as plain arrays, in one form."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.ensemble import RandomForestClassifier

LESS_OR_EQUAL, LESS = 0, 1
"""Modes of a split, numbered as in ai.onnx.ml's TreeEnsemble."""


@dataclass(frozen=True)
class Tree:
    """One tree: arrays over its nodes, the root first. A leaf has -1 as both children.

    A row goes left when its value is `<` (or `<=`) the float32 `threshold`; NaN goes left where `missing_left`.
    `value` is the node's mean in margin space.
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float32]
    missing_left: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64]

    @property
    def is_leaf(self) -> npt.NDArray[np.bool_]:
        """Which nodes are leaves."""
        return self.left < 0


@dataclass(frozen=True)
class Ensemble:
    """Trees whose leaf values add up to the margin; `mode` is LESS or LESS_OR_EQUAL."""

    trees: list[Tree]
    mode: int


def of_booster(booster: xgb.Booster) -> Ensemble:
    """Read a booster's trees; a node's mean is its leaves' mean, weighted by cover (the sum of hessians)."""
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    return Ensemble([_booster_tree(tree) for tree in model["trees"]], LESS)


def _booster_tree(tree: dict[str, Any]) -> Tree:
    left = np.array(tree["left_children"], dtype=np.int64)
    right = np.array(tree["right_children"], dtype=np.int64)
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    cover = np.array(tree["sum_hessian"], dtype=np.float64)
    value = conditions.astype(np.float64)
    # Children come after their parent, so a backward loop has every child's mean when it is needed.
    for node in range(len(left) - 1, -1, -1):
        if left[node] >= 0:
            below = [left[node], right[node]]
            value[node] = np.average(value[below], weights=cover[below])
    return Tree(
        left=left,
        right=right,
        feature=np.array(tree["split_indices"], dtype=np.int64),
        threshold=conditions,
        missing_left=np.array(tree["default_left"], dtype=bool),
        value=value,
    )


def of_forest(forest: RandomForestClassifier) -> Ensemble:
    """Read a forest's trees. The margin is the mean share of the second class; each tree adds its part."""
    return Ensemble([_forest_tree(tree.tree_, len(forest.estimators_)) for tree in forest.estimators_], LESS_OR_EQUAL)


def _forest_tree(tree: Any, trees: int) -> Tree:  # noqa: ANN401 - scikit-learn's compiled Tree has no type
    shares = tree.value[:, 0, :]
    return Tree(
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        feature=tree.feature.astype(np.int64),
        threshold=float32_at_or_below(tree.threshold),
        missing_left=tree.missing_go_to_left.astype(bool),
        value=shares[:, 1] / shares.sum(axis=1) / trees,
    )


def float32_at_or_below(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Round down to float32. scikit-learn compares float32 rows with float64 thresholds; x <= t stays the same."""
    rounded = thresholds.astype(np.float32)
    above = rounded.astype(np.float64) > thresholds
    return np.where(above, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)
