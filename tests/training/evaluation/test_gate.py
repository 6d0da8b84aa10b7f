"""The promotion gate: a metric that is clearly worse fails by name; a difference within noise does not."""

from typing import Any

import pytest

from regulars_training.evaluation.gate import verdict

GOOD: dict[str, float] = {"rmse": -3.0, "mae": -3.0, "gini": 3.0, "roc_auc": 3.0, "brier": -3.0}


def metrics(bias: float = 3.0, coverage: float = 0.8, churn: float = 0.5, **gaps: float) -> dict[str, Any]:
    """Return metrics with these gaps, in standard errors, to every baseline."""
    gap = {f"{name}_gap_se": value for name, value in (GOOD | gaps).items()}
    values = dict.fromkeys(GOOD, 0.5) | gap
    bounded = {"bias_percent": bias, "coverage": coverage, "errors": {"bias_percent": 4.0}}
    rates = {"mean_probability": churn, "churn_rate": 0.5}
    return {
        "clv": {**values, **bounded, "baselines": {"last_period": values, "mean": values, "purchase_process": values}},
        "churn": {**values, **rates, "baselines": {"recency": values, "purchase_process": values}},
    }


def test_better_than_all_passes() -> None:
    result = verdict(metrics())
    assert result.passed
    assert {line.partition(":")[0] for line in result.reasons} == {"better", "good"}


@pytest.mark.parametrize("gaps", [{"rmse": 1.9}, {"gini": -1.9}, {"roc_auc": -1.9}, {"brier": 1.9}])
def test_less_than_two_standard_errors_is_a_tie(gaps: dict[str, float]) -> None:
    result = verdict(metrics(**gaps))
    assert result.passed
    assert any(line.startswith("tie") for line in result.reasons)


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
def test_a_metric_that_is_clearly_worse_fails_by_name(worse: dict[str, float], named: str) -> None:
    result = verdict(metrics(**worse))
    assert not result.passed
    assert any(line.startswith("WORSE") and named in line for line in result.reasons)


def test_a_total_that_may_be_chance_does_not_fail() -> None:
    """30 % off with a standard error of 4 is less than two of them beyond the 25 allowed."""
    assert verdict(metrics(bias=30.0)).passed


def test_a_challenger_worse_than_the_champion_fails() -> None:
    assert not verdict(metrics(), ["WORSE: than the champion"]).passed
