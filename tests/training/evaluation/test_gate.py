"""The promotion gate: what is worse beyond noise fails, by name; what is within it does not."""

from typing import Any

import pytest

from regulars_training.evaluation.gate import verdict

GOOD: dict[str, float] = {"rmse": -3.0, "mae": -3.0, "gini": 3.0, "roc_auc": 3.0, "brier": -3.0}


def said(bias: float = 3.0, coverage: float = 0.8, churn: float = 0.5, **gaps: float) -> dict[str, Any]:
    """Return metrics with these gaps, in standard errors, to every baseline."""
    gap = {f"{name}_gap_se": value for name, value in (GOOD | gaps).items()}
    one = dict.fromkeys(GOOD, 0.5) | gap
    own = {"bias_percent": bias, "coverage": coverage, "errors": {"bias_percent": 4.0}}
    rates = {"mean_probability": churn, "churn_rate": 0.5}
    return {
        "clv": {**one, **own, "baselines": {"last_period": one, "mean": one, "purchase_process": one}},
        "churn": {**one, **rates, "baselines": {"recency": one, "purchase_process": one}},
    }


def test_better_than_all_passes() -> None:
    found = verdict(said())
    assert found.passed
    assert {line.partition(":")[0] for line in found.reasons} == {"better", "good"}


@pytest.mark.parametrize("gaps", [{"rmse": 1.9}, {"gini": -1.9}, {"roc_auc": -1.9}, {"brier": 1.9}])
def test_less_than_two_standard_errors_is_a_tie(gaps: dict[str, float]) -> None:
    found = verdict(said(**gaps))
    assert found.passed
    assert any(line.startswith("tie") for line in found.reasons)


@pytest.mark.parametrize(
    ("worse", "named"),
    [
        ({"rmse": 2.1}, "value RMSE"),
        ({"gini": -2.1}, "value Gini"),
        ({"roc_auc": -2.1}, "churn ROC-AUC"),
        ({"brier": 2.1}, "churn Brier"),
        ({"bias": 102.0}, "total value off by +102.0 %"),
        ({"bias": -40.0}, "total value off by -40.0 %"),
        ({"coverage": 0.95}, "held 95 %"),
        ({"churn": 0.35}, "mean churn probability 0.350"),
    ],
)
def test_what_is_worse_beyond_noise_fails_by_name(worse: dict[str, float], named: str) -> None:
    found = verdict(said(**worse))
    assert not found.passed
    assert any(line.startswith("WORSE") and named in line for line in found.reasons)


def test_a_total_that_may_be_chance_does_not_fail() -> None:
    """30 % off with a standard error of 4 is less than two of them beyond the 25 allowed."""
    assert verdict(said(bias=30.0)).passed


def test_the_bundle_in_use_has_a_say() -> None:
    assert not verdict(said(), ["WORSE: than the bundle in use"]).passed
