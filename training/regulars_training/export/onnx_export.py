"""Export a tree model as leaf finder (ONNX) and leaf table (NumPy), compared with the original row by row."""

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import xgboost as xgb
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestClassifier

from regulars_training.export.trees import Ensemble, Tree, of_booster, of_forest

TOLERANCE = 1e-4
"""Largest difference between the leaf table's margin (float32 entries) and the original's, relative to 1 + |margin|."""


class ExportError(AssertionError):
    """The exported model differs from the fitted one. This is a defect of the export, so nothing is written."""


@dataclass(frozen=True)
class Exported:
    """Files of one task, by their names in the bundle."""

    files: dict[str, bytes]

    def with_constants(self, task: str, constants: dict[str, Any]) -> "Exported":
        """Return these files under the task's folder, with its constants beside them."""
        named = {name if "/" in name else f"{task}/{name}": content for name, content in self.files.items()}
        return Exported(named | {f"{task}/constants.json": as_json(constants)})


def as_json(content: object) -> bytes:
    """Return indented JSON, ending with a line feed; NaN is refused."""
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def npy(array: npt.NDArray[Any]) -> bytes:
    """Return an array in NumPy's own format, without pickle."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def from_booster(booster: xgb.Booster, features: int, check: npt.NDArray[np.float32]) -> Exported:
    """Export a booster whose base margin is zero; `check` are the rows to compare."""
    rows = xgb.DMatrix(check, feature_names=booster.feature_names)
    leaf_nodes = booster.predict(rows, pred_leaf=True).reshape(len(check), -1).astype(np.int64)
    margin = booster.predict(rows, output_margin=True).astype(np.float64)
    return _export(of_booster(booster), features, check, leaf_nodes, margin)


def from_forest(forest: RandomForestClassifier, features: int, check: npt.NDArray[np.float32]) -> Exported:
    """Export a two-class forest; `check` are the rows to compare."""
    return _export(of_forest(forest), features, check, forest.apply(check), forest.predict_proba(check)[:, 1])


def _export(
    ensemble: Ensemble,
    features: int,
    check: npt.NDArray[np.float32],
    leaf_nodes: npt.NDArray[np.int64],
    margin: npt.NDArray[np.float64],
) -> Exported:
    finder = leaf_finder(ensemble, features)
    table = leaf_table(ensemble, features)
    leaves = onnxruntime.InferenceSession(finder, providers=["CPUExecutionProvider"]).run(None, {"rows": check})[0]
    numbers = leaves.astype(np.int64)
    expected = np.stack([of_node[leaf_nodes[:, tree]] for tree, of_node in enumerate(leaf_numbers(ensemble))], axis=1)
    if not np.array_equal(numbers, expected):
        raise ExportError(
            f"{int((numbers != expected).sum())} of {expected.size} leaves differ from the fitted model's"
        )
    sums = table.sum(axis=1, dtype=np.float64)
    worst = float(np.max(np.abs(sums[numbers].sum(axis=1) - margin) / (1 + np.abs(margin)), initial=0.0))
    if worst > TOLERANCE:
        raise ExportError(f"margins differ from the fitted model's by up to {worst:.2g}")
    return Exported({"leaf_finder.onnx": finder, "leaf_table.npy": npy(table)})


def leaf_numbers(ensemble: Ensemble) -> list[npt.NDArray[np.int64]]:
    """Number the leaves across all trees; returns for each tree its nodes' numbers, -1 for inner nodes."""
    numbers = []
    start = 0
    for tree in ensemble.trees:
        leaf = tree.is_leaf
        numbers.append(np.where(leaf, start + np.cumsum(leaf) - 1, -1))
        start += int(leaf.sum())
    return numbers


def leaf_table(ensemble: Ensemble, features: int) -> npt.NDArray[np.float32]:
    """Return each leaf's contribution to each feature and, last, to the bias, shape (leaves, features + 1).

    Along the path, each split's feature gets the change of the node mean (Saabas 2014); the bias gets the root's mean.
    """
    return np.concatenate([_contributions(tree, features)[tree.is_leaf] for tree in ensemble.trees]).astype(np.float32)


def _contributions(tree: Tree, features: int) -> npt.NDArray[np.float64]:
    paths = np.zeros((len(tree.left), features + 1))
    paths[0, -1] = tree.value[0]
    level = np.array([0])
    while len(level := level[~tree.is_leaf[level]]):
        for children in (tree.left[level], tree.right[level]):
            paths[children] = paths[level]
            paths[children, tree.feature[level]] += tree.value[children] - tree.value[level]
        level = np.concatenate([tree.left[level], tree.right[level]])
    return paths


def leaf_finder(ensemble: Ensemble, features: int) -> bytes:
    """Return the ONNX graph rows (n, features) -> leaf numbers (n, trees), as float32 whole numbers below 2**24."""
    nodes = _Nodes()
    for index, (tree, numbers) in enumerate(zip(ensemble.trees, leaf_numbers(ensemble), strict=True)):
        nodes.add(index, tree, numbers)
    ensemble_node = helper.make_node(
        "TreeEnsemble",
        ["rows"],
        ["leaves"],
        domain="ai.onnx.ml",
        n_targets=len(ensemble.trees),
        aggregate_function=1,  # sum: each target gets the one leaf of its tree
        nodes_modes=numpy_helper.from_array(np.full(len(nodes.feature), ensemble.mode, dtype=np.uint8)),
        **nodes.attributes(),
    )
    graph = helper.make_graph(
        [ensemble_node],
        "leaf_finder",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info("leaves", TensorProto.FLOAT, [None, len(ensemble.trees)])],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="regulars")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Nodes:
    """The flat lists of a TreeEnsemble node: inner nodes and leaves of all trees, each with a numbering of its own."""

    def __init__(self) -> None:
        self.roots: list[int] = []
        self.feature: list[int] = []
        self.threshold: list[float] = []
        self.missing_left: list[int] = []
        self.children: dict[str, list[int]] = {"true": [], "false": []}
        self.is_leaf: dict[str, list[int]] = {"true": [], "false": []}
        self.leaf_number: list[int] = []
        self.leaf_tree: list[int] = []

    def add(self, index: int, tree: Tree, numbers: npt.NDArray[np.int64]) -> None:
        """Append one tree; a tree of a single leaf becomes a split with that leaf on both sides."""
        inner = ~tree.is_leaf
        place = np.where(inner, len(self.feature) + np.cumsum(inner), len(self.leaf_number) + np.cumsum(~inner)) - 1
        self.roots.append(len(self.feature))
        self.leaf_number += numbers[~inner].tolist()
        self.leaf_tree += [index] * int((~inner).sum())
        alone = not inner.any()
        split = np.array([True]) if alone else inner
        self.feature += tree.feature[split].clip(0).tolist()
        self.threshold += tree.threshold[split].tolist()
        self.missing_left += tree.missing_left[split].astype(int).tolist()
        for side, child in (("true", tree.left), ("false", tree.right)):
            nodes = np.array([0]) if alone else child[split]
            self.children[side] += place[nodes].tolist()
            self.is_leaf[side] += tree.is_leaf[nodes].astype(int).tolist()

    def attributes(self) -> dict[str, Any]:
        """Return the node's attributes."""
        return {
            "tree_roots": self.roots,
            "nodes_featureids": self.feature,
            "nodes_splits": numpy_helper.from_array(np.array(self.threshold, dtype=np.float32)),
            "nodes_missing_value_tracks_true": self.missing_left,
            "nodes_truenodeids": self.children["true"],
            "nodes_falsenodeids": self.children["false"],
            "nodes_trueleafs": self.is_leaf["true"],
            "nodes_falseleafs": self.is_leaf["false"],
            "leaf_targetids": self.leaf_tree,
            "leaf_weights": numpy_helper.from_array(np.array(self.leaf_number, dtype=np.float32)),
        }
