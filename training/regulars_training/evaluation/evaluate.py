"""Metrics of the models on held-out time, with baselines beside them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from regulars.arrays import FloatArray
from regulars.models.tasks.clv import Forecast
from regulars_training import metrics
from regulars_training.data.dataset import Dataset
from regulars_training.evaluation import explain
from regulars_training.models import interval
from regulars_training.models.recipe import Models, Recipe

Statistic = Callable[[FloatArray, FloatArray], float]

VALUE: dict[str, Statistic] = {"rmse": metrics.rmse, "mae": metrics.mae, "gini": metrics.gini}
CHURN: dict[str, Statistic] = {"roc_auc": metrics.roc_auc, "brier": metrics.brier}


def evaluate(recipe: Recipe, minor_units: int) -> dict[str, Any]:
    """Evaluate on the plan's holdout the models trained before it, for the label window."""
    short = recipe.in_window()
    plan, models = short.plan, short.at(short.plan.holdout)
    holdout, before = short.data.at([plan.holdout]), short.data.at(plan.before_holdout)
    explanations = explained(models, holdout, minor_units)
    return {
        "clv": value(models, holdout, before.value_cents.mean(), minor_units) | {"explained": explanations["clv"]},
        "churn": churn(models, holdout) | {"explained": explanations["churn"]},
    }


def explained(models: Models, holdout: Dataset, minor_units: int) -> dict[str, Any]:
    """Return the importance of features for each model, and how close its reasons are to exact TreeSHAP."""
    trees, forest = models.clv.trees, models.churn.forest
    return {
        "clv": explain.report(
            trees.boosters["anchored"],
            trees.importance(),
            lambda data: models.clv.predict(data).value_cents,
            explain.value_loss(minor_units),
            holdout,
        ),
        "churn": explain.report(forest.forest, forest.importance(), models.churn.predict, explain.churn_loss, holdout),
    }


def value(models: Models, holdout: Dataset, mean_cents: float, minor_units: int) -> dict[str, Any]:
    """Evaluate value on `holdout`, in major units; `mean_cents` is the mean value of the earlier windows."""
    unit = 10**minor_units
    forecast, actual = models.clv.predict(holdout), holdout.value_cents / unit
    mean = forecast.value_cents / unit
    baselines = {
        "last_period": holdout["last_period_cents"] / unit,
        "mean": np.full(len(actual), mean_cents / unit),
        "purchase_process": holdout["process_spend_cents"] * holdout["horizon_orders"] / unit,
    }
    orders = holdout["future_orders"]
    return {
        **metrics.value_metrics(actual, mean),
        **intervals(actual * unit, forecast, unit),
        "orders_rmse": metrics.rmse(orders, forecast.orders),
        "deciles": metrics.calibration(actual, mean),
        "errors": {
            name: metrics.standard_error(statistic, actual, mean)
            for name, statistic in (VALUE | {"bias_percent": metrics.total_bias}).items()
        },
        "baselines": {name: compare(VALUE, actual, mean, other) for name, other in baselines.items()},
        "constants": models.clv.constants.model_dump(mode="json", include={"level", "weights", "upper_level"}),
        "importance": dict(list(models.clv.trees.importance().items())[:10]),
    }


def intervals(value_cents: FloatArray, forecast: Forecast, unit: float) -> dict[str, float]:
    """Return the median's absolute error and the 80 % interval's coverage and width, in major units."""
    low, high = forecast.interval
    return {
        "mae_median": metrics.mae(value_cents, np.rint(forecast.quantile(0.5))) / unit,
        "coverage": interval.coverage(value_cents, forecast),
        "interval_width": float(np.mean(high - low)) / unit,
    }


def churn(models: Models, holdout: Dataset) -> dict[str, Any]:
    """Evaluate churn on `holdout`, beside a ranking by recency and the purchase process."""
    churned = holdout.churned.astype(np.float64)
    probability = models.churn.predict(holdout)
    recency = holdout["recency_days"] / max(float(holdout["recency_days"].max()), 1.0)
    scores = {"recency": recency, "purchase_process": holdout["horizon_no_order"]}
    baselines = {name: compare(CHURN, churned, probability, score) for name, score in scores.items()}
    for name in ("brier", "brier_gap_se"):
        baselines["recency"].pop(name)  # a ranking is not a probability
    for name, score in scores.items():
        baselines[name]["pr_auc"] = metrics.pr_auc(churned, score)
    return {
        **metrics.churn_metrics(holdout.churned, probability),
        "deciles": metrics.calibration(churned, probability),
        "errors": {name: metrics.standard_error(statistic, churned, probability) for name, statistic in CHURN.items()},
        "baselines": baselines,
        "forest_weight": models.churn.constants.forest_weight,
        "importance": dict(list(models.churn.forest.importance().items())[:10]),
    }


def compare(
    statistics: Mapping[str, Statistic], actual: FloatArray, mine: FloatArray, other: FloatArray
) -> dict[str, float]:
    """Return the other model's metrics; and, as `..._gap_se`, mine minus the other's in paired standard errors."""
    statistics_of_other = {name: statistic(actual, other) for name, statistic in statistics.items()}
    gaps = {
        f"{name}_gap_se": metrics.gap_in_standard_errors(statistic, actual, mine, other)
        for name, statistic in statistics.items()
    }
    extra = metrics.value_metrics(actual, other) if "rmse" in statistics else {}
    return extra | statistics_of_other | gaps
