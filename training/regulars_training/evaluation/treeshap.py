"""Compare the bundle's reasons with exact TreeSHAP: how often the first reason is the same, how close the numbers are.

TreeSHAP (Lundberg et al. 2020, "From local explanations to global understanding with explainable AI for trees") is
XGBoost's `pred_contribs`. A forest is converted to an XGBoost booster with the same splits, leaves and covers, so no
further library is needed. The bundle's contributions are those of the leaf table.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.ensemble import RandomForestClassifier

from regulars.arrays import FloatArray
from regulars.models.reasons import group_of
from regulars_training.export.onnx_export import TOLERANCE, ExportError, leaf_numbers, leaf_table
from regulars_training.export.trees import Ensemble, Tree, of_booster, of_forest

Rows = npt.NDArray[np.float32]
Model: TypeAlias = xgb.Booster | RandomForestClassifier

TOP = 3
ROOT = 2**31 - 1
"""XGBoost's number for the parent of a root."""


def approximate(model: Model, rows: Rows) -> FloatArray:
    """Return the leaf table's contributions, shape (rows, features + 1), the bias last."""
    if isinstance(model, xgb.Booster):
        data = xgb.DMatrix(rows, feature_names=model.feature_names)
        nodes, ensemble = model.predict(data, pred_leaf=True).reshape(len(rows), -1).astype(np.int64), of_booster(model)
    else:
        nodes, ensemble = model.apply(rows), of_forest(model)
    table = leaf_table(ensemble, rows.shape[1])
    leaves = [numbers[nodes[:, tree]] for tree, numbers in enumerate(leaf_numbers(ensemble))]
    total: FloatArray = np.sum([table[numbers] for numbers in leaves], axis=0, dtype=np.float64)
    return total


def exact(model: Model, rows: Rows) -> FloatArray:
    """Return exact TreeSHAP values of a booster whose base margin is zero, or of a two-class forest; same shape."""
    booster = model if isinstance(model, xgb.Booster) else as_booster(model, rows)
    values = booster.predict(xgb.DMatrix(rows, feature_names=booster.feature_names), pred_contribs=True)
    return np.asarray(values, dtype=np.float64)


def as_booster(forest: RandomForestClassifier, check: Rows) -> xgb.Booster:
    """Convert a two-class forest to a booster; ExportError when their predictions for `check` differ."""
    ensemble = of_forest(forest)
    covers = [tree.tree_.weighted_n_node_samples for tree in forest.estimators_]
    booster = xgb.Booster(model_file=bytearray(json.dumps(_model(ensemble, covers, check.shape[1])).encode()))
    gap = np.abs(booster.predict(xgb.DMatrix(check)) - forest.predict_proba(check)[:, 1]).max(initial=0.0)
    if gap > TOLERANCE:
        raise ExportError(f"the forest and its booster differ by up to {gap:.2g}")
    return booster


def _model(ensemble: Ensemble, covers: Sequence[FloatArray], features: int) -> dict[str, Any]:
    """Return XGBoost's JSON model with these trees; a minimal fit provides all other fields."""
    blank = xgb.train({"base_score": 0.0, "max_depth": 1}, xgb.DMatrix(np.zeros((2, features)), np.zeros(2)), 1)
    model: dict[str, Any] = json.loads(blank.save_raw("json"))
    trees = [_tree(index, ensemble, cover, features) for index, cover in enumerate(covers)]
    filled = model["learner"]["gradient_booster"]["model"]
    filled["trees"], filled["tree_info"] = trees, [0] * len(trees)
    filled["iteration_indptr"] = list(range(len(trees) + 1))
    filled["gbtree_model_param"]["num_trees"] = str(len(trees))
    return model


def _tree(index: int, ensemble: Ensemble, cover: FloatArray, features: int) -> dict[str, Any]:
    tree = ensemble.trees[index]
    order, left = _siblings_together(tree)
    leaf = left < 0
    parents = np.full(len(left), ROOT)
    parents[left[~leaf]] = parents[left[~leaf] + 1] = np.flatnonzero(~leaf)
    # A forest goes left at x <= t, XGBoost at x < t: with the next float32 as threshold they are the same.
    above = np.nextafter(tree.threshold[order], np.float32(np.inf))
    value = tree.value[order]
    return {
        "id": index,
        "base_weights": value.tolist(),
        "left_children": left.tolist(),
        "right_children": np.where(leaf, -1, left + 1).tolist(),
        "parents": parents.tolist(),
        "split_conditions": np.where(leaf, value, above).tolist(),
        "split_indices": tree.feature[order].clip(0).tolist(),
        "split_type": [0] * len(left),
        "default_left": tree.missing_left[order].astype(int).tolist(),
        "sum_hessian": cover[order].tolist(),
        "loss_changes": [0.0] * len(left),
        **{f"categories{kind}": [] for kind in ("", "_nodes", "_segments", "_sizes")},
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(features),
            "num_nodes": str(len(left)),
            "size_leaf_vector": "1",
        },
    }


def _siblings_together(tree: Tree) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number nodes level by level, since XGBoost expects the right child just after the left.

    Returns the old number of the node at each new place, and the new place of its left child (-1 for leaves).
    """
    order, left = [0], []
    for node in order:  # the list grows during the loop
        left.append(-1 if tree.left[node] < 0 else len(order))
        if tree.left[node] >= 0:
            order += [int(tree.left[node]), int(tree.right[node])]
    return np.array(order), np.array(left)


def compare(model: Model, rows: Rows, names: Sequence[str]) -> dict[str, Any]:
    """Compare the two methods on `rows`, by feature and by group, in margin space without the bias."""
    ours, theirs = approximate(model, rows)[:, :-1], exact(model, rows)[:, :-1]
    groups = [group_of(name) for name in names]
    member = np.array([[group == other for other in dict.fromkeys(groups)] for group in groups], dtype=np.float64)
    return {
        "customers": len(rows),
        "by_feature": agreement(ours, theirs),
        "by_group": agreement(ours @ member, theirs @ member),
    }


def agreement(ours: FloatArray, theirs: FloatArray) -> dict[str, float]:
    """Return how well two sets of contributions agree, shape (rows, parts) each.

    `same_top`: share of rows whose largest part is the same; `top3_shared`: mean share of the three largest parts that
    are in both; `correlation`: Pearson's, over all entries.
    """
    first, second = (np.argsort(-np.abs(values), axis=1, kind="stable")[:, :TOP] for values in (ours, theirs))
    shared = (first[:, :, None] == second[:, None, :]).any(axis=2)
    varies = ours.std() > 0 and theirs.std() > 0
    return {
        "same_top": float((first[:, 0] == second[:, 0]).mean()),
        "top3_shared": float(shared.mean()),
        "correlation": float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]) if varies else 1.0,
    }
