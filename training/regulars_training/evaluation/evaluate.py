"""How good the models are on time that they have not seen, beside what a sceptic would use instead."""

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


def judge(recipe: Recipe, minor_units: int) -> dict[str, Any]:
    """Judge on the plan's holdout the models that were known before it, for the label window."""
    short = recipe.in_window()
    plan, models = short.plan, short.at(short.plan.holdout)
    holdout, before = short.data.at([plan.holdout]), short.data.at(plan.before_holdout)
    told = explained(models, holdout, minor_units)
    return {
        "clv": value(models, holdout, before.value_cents.mean(), minor_units) | {"explained": told["clv"]},
        "churn": churn(models, holdout) | {"explained": told["churn"]},
    }


def explained(models: Models, holdout: Dataset, minor_units: int) -> dict[str, Any]:
    """Say what each model hangs on, and how far its reasons are from exact TreeSHAP."""
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
    """Judge value on `holdout`, in major units; `mean_cents` is what the earlier windows brought on average."""
    unit = 10**minor_units
    forecast, happened = models.clv.predict(holdout), holdout.value_cents / unit
    mean = forecast.value_cents / unit
    others = {
        "last_period": holdout["last_period_cents"] / unit,
        "mean": np.full(len(happened), mean_cents / unit),
        "purchase_process": holdout["process_spend_cents"] * holdout["horizon_orders"] / unit,
    }
    orders = holdout["future_orders"]
    return {
        **metrics.value_metrics(happened, mean),
        **intervals(happened * unit, forecast, unit),
        "orders_rmse": metrics.rmse(orders, forecast.orders),
        "deciles": metrics.calibration(happened, mean),
        "errors": {
            name: metrics.standard_error(statistic, happened, mean)
            for name, statistic in (VALUE | {"bias_percent": metrics.total_bias}).items()
        },
        "baselines": {name: beside(VALUE, happened, mean, other) for name, other in others.items()},
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
    """Judge churn on `holdout` beside a ranking by recency and the purchase process."""
    churned = holdout.churned.astype(np.float64)
    probability = models.churn.predict(holdout)
    recency = holdout["recency_days"] / max(float(holdout["recency_days"].max()), 1.0)
    others = {"recency": recency, "purchase_process": holdout["horizon_no_order"]}
    baselines = {name: beside(CHURN, churned, probability, other) for name, other in others.items()}
    for name in ("brier", "brier_gap_se"):
        baselines["recency"].pop(name)  # a rank is no probability
    for name, other in others.items():
        baselines[name]["pr_auc"] = metrics.pr_auc(churned, other)
    return {
        **metrics.churn_metrics(holdout.churned, probability),
        "deciles": metrics.calibration(churned, probability),
        "errors": {name: metrics.standard_error(statistic, churned, probability) for name, statistic in CHURN.items()},
        "baselines": baselines,
        "forest_weight": models.churn.constants.forest_weight,
        "importance": dict(list(models.churn.forest.importance().items())[:10]),
    }


def beside(
    statistics: Mapping[str, Statistic], happened: FloatArray, mine: FloatArray, other: FloatArray
) -> dict[str, float]:
    """Return another model's metrics, and by how many paired standard errors mine lie above them."""
    found = {name: statistic(happened, other) for name, statistic in statistics.items()}
    gaps = {
        f"{name}_gap_se": metrics.gap_in_standard_errors(statistic, happened, mine, other)
        for name, statistic in statistics.items()
    }
    extra = metrics.value_metrics(happened, other) if "rmse" in statistics else {}
    return extra | found | gaps
