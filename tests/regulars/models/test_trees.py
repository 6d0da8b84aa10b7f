"""Leaf finder and leaf table give the leaves and scores of the fitted ensembles, also at the thresholds."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xgboost as xgb
from sklearn.ensemble import RandomForestClassifier

from regulars.models.bundle import Bundle
from regulars.models.trees import ROWS, TreeModel
from regulars_training.export import onnx_export
from regulars_training.export.onnx_export import Exported, ExportError, from_booster, from_forest, leaf_numbers
from regulars_training.export.trees import Ensemble, float32_at_or_below, of_booster, of_forest

FEATURES = 6
Rows = npt.NDArray[np.float32]


class Folder(Bundle):
    """A folder in place of a bundle, without checks."""

    def file(self, name: str) -> Path:  # noqa: D102 - as in the base class, without checks
        return self.path / name


def opened(exported: Exported, folder: Path) -> TreeModel:
    (folder / "any").mkdir(parents=True)
    for name, content in exported.files.items():
        (folder / "any" / name).write_bytes(content)
    return TreeModel(Folder(folder), "any")


def data(count: int, seed: int = 3) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Return rows with ties, extremes and a fifth of NaN, and a target that depends on them."""
    rng = np.random.default_rng(seed)
    rows = rng.lognormal(0, 3, (count, FEATURES))
    rows[:, 1] = rng.integers(0, 4, count)
    rows[:, 2] = rng.normal(0, 1e-4, count)
    target = np.log1p(rows[:, 0]) + rows[:, 1] * (rows[:, 2] > 0) + rng.normal(0, 0.3, count)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    return rows.astype(np.float32), target


def at_thresholds(ensemble: Ensemble, rows: Rows) -> Rows:
    """Return rows that hit thresholds exactly, and their neighbours in float32 on both sides."""
    pairs = np.concatenate(
        [np.stack([tree.feature, tree.threshold], 1)[~tree.is_leaf].astype(np.float64) for tree in ensemble.trees]
    )
    pairs = pairs[np.isfinite(pairs[:, 1])]  # scikit-learn splits NaN from the rest at infinity
    edges: list[Rows] = []
    for feature, value in pairs[:: max(1, len(pairs) // 300)]:
        exact = np.float32(value)
        for near in (exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(-np.inf))):
            row = rows[len(edges) % len(rows)].copy()
            row[int(feature)] = near
            edges.append(row)
    return np.stack(edges)


@pytest.fixture(scope="module")
def booster() -> xgb.Booster:
    rows, target = data(800)
    parameters = {"max_depth": 4, "learning_rate": 0.2, "tree_method": "exact", "seed": 1, "base_score": 0.0}
    return xgb.train(parameters, xgb.DMatrix(rows, target), 30)


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    rows, target = data(800)
    return RandomForestClassifier(25, min_samples_leaf=3, random_state=1).fit(rows, target > np.median(target))


def leaves_of(model: xgb.Booster | RandomForestClassifier, rows: Rows) -> npt.NDArray[Any]:
    """Return the library's own leaf of each row in each tree, as our number of it."""
    if isinstance(model, xgb.Booster):
        nodes, ensemble = model.predict(xgb.DMatrix(rows), pred_leaf=True).astype(int), of_booster(model)
    else:
        nodes, ensemble = model.apply(rows), of_forest(model)
    return np.stack([numbers[nodes[:, tree]] for tree, numbers in enumerate(leaf_numbers(ensemble))], axis=1)


def probe(model: xgb.Booster | RandomForestClassifier) -> Rows:
    rows, _ = data(400, seed=9)
    ensemble = of_booster(model) if isinstance(model, xgb.Booster) else of_forest(model)
    extremes = np.array([[fill] * FEATURES for fill in (np.nan, 1e30, -1e30, 0.0, -0.0)], dtype=np.float32)
    return np.concatenate([rows, extremes, at_thresholds(ensemble, rows)])


def test_a_booster_falls_into_the_same_leaves_and_adds_up(booster: xgb.Booster, tmp_path: Path) -> None:
    rows = probe(booster)
    model = opened(from_booster(booster, FEATURES, rows), tmp_path)
    np.testing.assert_array_equal(model.leaves(rows), leaves_of(booster, rows))
    margin = booster.predict(xgb.DMatrix(rows), output_margin=True)
    np.testing.assert_allclose(model.margins(model.leaves(rows)), margin, atol=1e-5)


def test_a_forest_falls_into_the_same_leaves_and_adds_up(forest: RandomForestClassifier, tmp_path: Path) -> None:
    rows = probe(forest)
    model = opened(from_forest(forest, FEATURES, rows), tmp_path)
    np.testing.assert_array_equal(model.leaves(rows), leaves_of(forest, rows))
    np.testing.assert_allclose(model.margins(model.leaves(rows)), forest.predict_proba(rows)[:, 1], atol=1e-6)


def test_the_order_of_processing_changes_nothing(booster: xgb.Booster, tmp_path: Path) -> None:
    rows = probe(booster)
    model = opened(from_booster(booster, FEATURES, rows), tmp_path)
    order = np.random.default_rng(3).permutation(len(rows))
    np.testing.assert_array_equal(model.leaves(rows, order), leaves_of(booster, rows))


def test_contributions_are_xgboosts_approximate_ones(booster: xgb.Booster, tmp_path: Path) -> None:
    """For each feature, and last for the bias."""
    rows = probe(booster)
    expected = booster.predict(xgb.DMatrix(rows), pred_contribs=True, approx_contribs=True)
    model = opened(from_booster(booster, FEATURES, rows), tmp_path)
    contributions = model.contributions(model.leaves(rows))
    np.testing.assert_allclose(contributions, expected, atol=1e-5)


def test_a_row_alone_has_the_same_bits_as_among_many(booster: xgb.Booster, tmp_path: Path) -> None:
    rows, _ = data(ROWS * 2 + 5, seed=4)
    model = opened(from_booster(booster, FEATURES, rows), tmp_path)
    leaves = model.leaves(rows)
    for answer in (model.margins, model.contributions):
        alone = np.concatenate([answer(model.leaves(rows[place : place + 1])) for place in range(len(rows))])
        assert answer(leaves).tobytes() == alone.tobytes()
    assert model.contributions(leaves[:0]).shape == (0, FEATURES + 1)
    np.testing.assert_allclose(model.contributions(leaves).sum(axis=1), model.margins(leaves), rtol=1e-5, atol=1e-5)


def test_trees_of_a_single_leaf(tmp_path: Path) -> None:
    """A target that gives no split is still predicted, by both kinds of trees."""
    rows, target = data(60)
    flat = xgb.train({"base_score": 0.0, "max_depth": 2}, xgb.DMatrix(rows, np.full(60, 2.0)), 3)
    stump = xgb.train({"base_score": 0.0, "max_depth": 2, "gamma": 1e9}, xgb.DMatrix(rows, target), 3)
    forest = RandomForestClassifier(3, min_samples_leaf=60, random_state=1).fit(rows, target > np.median(target))
    for name, exported, expected in (
        ("flat", from_booster(flat, FEATURES, rows), flat.predict(xgb.DMatrix(rows))),
        ("stump", from_booster(stump, FEATURES, rows), stump.predict(xgb.DMatrix(rows))),
        ("forest", from_forest(forest, FEATURES, rows), forest.predict_proba(rows)[:, 1]),
    ):
        model = opened(exported, tmp_path / name)
        contributions = model.contributions(model.leaves(rows))
        np.testing.assert_allclose(contributions.sum(axis=1), expected, atol=1e-6)
        assert not contributions[:, :-1].any()


def test_thresholds_are_rounded_down_so_that_comparisons_hold() -> None:
    """For every float32 x, x <= t is the same for the double t and the rounded t."""
    thresholds = np.concatenate([np.random.default_rng(1).normal(0, 10, 500), [0.1, -0.1, 1e-40, 0.5, 2.0**24 + 1]])
    rounded = float32_at_or_below(thresholds)
    for near in (rounded, np.nextafter(rounded, np.float32(np.inf)), np.nextafter(rounded, np.float32(-np.inf))):
        np.testing.assert_array_equal(near.astype(np.float64) <= thresholds, near <= rounded)


@pytest.mark.parametrize("kind", ["threshold", "direction of NaN", "value"])
def test_a_model_with_other_answers_is_never_written(
    booster: xgb.Booster, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    rows = probe(booster)
    ensemble = of_booster(booster)
    tree = ensemble.trees[0]
    if kind == "threshold":
        tree.threshold[0] = np.nextafter(tree.threshold[0], np.float32(np.inf))
    elif kind == "value":
        tree.value[tree.is_leaf] += 0.01
    else:
        tree.missing_left[0] = not tree.missing_left[0]
    monkeypatch.setattr(onnx_export, "of_booster", lambda _: ensemble)
    with pytest.raises(ExportError, match=r"leaves differ|margins differ"):
        from_booster(booster, FEATURES, rows)


def test_the_same_model_gives_the_same_bytes(booster: xgb.Booster) -> None:
    rows = probe(booster)
    digests = {
        hashlib.sha256(b"".join(from_booster(booster, FEATURES, rows[:count]).files.values())).hexdigest()
        for count in (10, 50)
    }
    assert len(digests) == 1
