"""Exact TreeSHAP of forests and boosters, and its comparison with the bundle's reasons."""

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xgboost as xgb
from sklearn.ensemble import RandomForestClassifier

from regulars_training.evaluation import treeshap
from regulars_training.export.onnx_export import ExportError
from regulars_training.export.trees import of_forest

FEATURES = 4
Rows = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Rows with ties, and a fifth of NaN."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(600, FEATURES))
    rows[:, 1] = rng.integers(0, 4, 600)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def forest(rows: Rows) -> RandomForestClassifier:
    known = np.nan_to_num(rows)
    target = known[:, 0] + known[:, 1] * (known[:, 2] > 0) > 0.5
    return RandomForestClassifier(12, min_samples_leaf=4, random_state=1).fit(rows, target)


def brute_force(forest: RandomForestClassifier, row: Rows) -> npt.NDArray[np.float64]:
    """Return Shapley values by their definition, features outside a coalition averaged over a split's covers."""

    def value(known: frozenset[int]) -> float:
        return sum(_expected(tree, cover, row, known) for tree, cover in trees)

    covers = [tree.tree_.weighted_n_node_samples for tree in forest.estimators_]
    trees = list(zip(of_forest(forest).trees, covers, strict=True))
    values = np.zeros(FEATURES)
    for feature in range(FEATURES):
        others = [other for other in range(FEATURES) if other != feature]
        for size in range(FEATURES):
            weight = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES)
            for coalition in map(frozenset, combinations(others, size)):
                values[feature] += weight * (value(coalition | {feature}) - value(coalition))
    return values


def _expected(tree: Any, cover: npt.NDArray[np.float64], row: Rows, known: frozenset[int], node: int = 0) -> float:
    left, right, feature = int(tree.left[node]), int(tree.right[node]), int(tree.feature[node])
    if left < 0:
        return float(tree.value[node])
    if feature in known:
        goes_left = tree.missing_left[node] if np.isnan(row[feature]) else row[feature] <= tree.threshold[node]
        return _expected(tree, cover, row, known, left if goes_left else right)
    parts = [_expected(tree, cover, row, known, child) for child in (left, right)]
    return float(np.average(parts, weights=cover[[left, right]]))


def test_a_forest_has_its_shapley_values(forest: RandomForestClassifier, rows: Rows) -> None:
    """They equal the definition, coalition by coalition; with the bias they add up to the probability."""
    sample = rows[:8]
    values = treeshap.exact(forest, sample)
    for row, contributions in zip(sample, values, strict=True):
        np.testing.assert_allclose(contributions[:-1], brute_force(forest, row), atol=1e-5)
    np.testing.assert_allclose(values.sum(axis=1), forest.predict_proba(sample)[:, 1], atol=1e-5)


def test_a_forest_as_a_booster_answers_the_same(forest: RandomForestClassifier, rows: Rows) -> None:
    """Also at every threshold, and just above it."""
    edges: list[Rows] = []
    for tree in of_forest(forest).trees:
        for feature, threshold in zip(tree.feature[~tree.is_leaf], tree.threshold[~tree.is_leaf], strict=True):
            if np.isfinite(threshold):
                for near in (threshold, np.nextafter(threshold, np.float32(np.inf))):
                    edges.append(rows[len(edges) % len(rows)].copy())
                    edges[-1][feature] = near
    check = np.stack(edges)
    booster = treeshap.as_booster(forest, check)
    np.testing.assert_allclose(booster.predict(xgb.DMatrix(check)), forest.predict_proba(check)[:, 1], atol=1e-6)


def test_a_booster_that_differs_from_its_forest_is_refused(
    forest: RandomForestClassifier, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = of_forest(forest)
    ensemble.trees[0].value[ensemble.trees[0].is_leaf] += 0.1
    monkeypatch.setattr(treeshap, "of_forest", lambda _: ensemble)
    with pytest.raises(ExportError, match=r"differ by up to 0\.1"):
        treeshap.as_booster(forest, rows)


def test_the_leaf_tables_contributions_are_xgboosts_approximate_ones(
    forest: RandomForestClassifier, rows: Rows
) -> None:
    booster = treeshap.as_booster(forest, rows)
    expected = booster.predict(xgb.DMatrix(rows), pred_contribs=True, approx_contribs=True)
    np.testing.assert_allclose(treeshap.approximate(forest, rows), expected, atol=1e-5)
    np.testing.assert_allclose(treeshap.approximate(booster, rows), expected, atol=1e-5)


def test_agreement_counts_first_reasons_and_the_three_largest() -> None:
    theirs = np.array([[5.0, 1.0, -2.0, 0.1, 0.0], [1.0, -4.0, 3.0, 2.0, 0.0]])
    same = treeshap.agreement(theirs * 2, theirs)
    assert same == {"same_top": 1.0, "top3_shared": 1.0, "correlation": pytest.approx(1.0)}
    other = treeshap.agreement(np.array([[5.0, 1.0, -2.0, 0.1, 0.0], [1.0, 0.0, 3.0, 2.0, 0.0]]), theirs)
    assert other["same_top"] == 0.5
    assert other["top3_shared"] == pytest.approx((3 + 2) / 6)
    assert treeshap.agreement(np.zeros((2, 3)), np.zeros((2, 3)))["correlation"] == 1.0


def test_groups_are_compared_by_their_sums(forest: RandomForestClassifier, rows: Rows) -> None:
    """Two features that cancel out make a group without effect."""
    names = ["recency_days", "orders_30d", "orders_90d", "tenure_days"]
    result = treeshap.compare(forest, rows[:50], names)
    ours, theirs = (method(forest, rows[:50])[:, :-1] for method in (treeshap.approximate, treeshap.exact))
    grouped = [np.stack([part[:, 0], part[:, 1] + part[:, 2], part[:, 3]], axis=1) for part in (ours, theirs)]
    assert result["customers"] == 50
    assert result["by_feature"] == treeshap.agreement(ours, theirs)
    assert result["by_group"] == pytest.approx(treeshap.agreement(*grouped))


@pytest.mark.parametrize("task", ["clv", "churn"])
def test_the_report_holds_the_comparison(bundle: Any, task: str) -> None:
    result = bundle.manifest.metrics[task]["explained"]["treeshap"]
    for kind in ("by_feature", "by_group"):
        assert 0.5 < result[kind]["same_top"] <= 1
        assert 0.8 < result[kind]["correlation"] <= 1
