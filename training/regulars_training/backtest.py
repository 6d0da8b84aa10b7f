"""Rolling backtest: at each cutoff, fit on what was known before it and measure on what came after."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np

from regulars.arrays import FloatArray
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError
from regulars.instants import midnight_after
from regulars.models.purchase_process import Process
from regulars_training import metrics
from regulars_training.data import cutoffs, dataset
from regulars_training.evaluation import evaluate
from regulars_training.evaluation.baselines import forecasts
from regulars_training.models.recipe import Models, Recipe
from regulars_training.train import learnable

ROLLS = 3
"""Default number of cutoffs, one horizon apart."""

OURS = "regulars"

VALUE_STATISTICS: dict[str, evaluate.Statistic] = {
    "rmse": metrics.rmse,
    "mae": metrics.mae,
    "gini": metrics.gini,
    "top_decile_share": metrics.top_decile_share,
    "bias_percent": metrics.total_bias,
}
CHURN_STATISTICS: dict[str, evaluate.Statistic] = {
    "roc_auc": metrics.roc_auc,
    "pr_auc": metrics.pr_auc,
    "brier": metrics.brier,
}


def rolling(first: datetime, last: datetime, horizon_days: int) -> list[datetime]:
    """Return up to ROLLS cutoffs, newest first: the horizon of each ends within the history, and it can be trained.

    HistoryError when the history is too short for one.
    """
    end = midnight_after(last)
    moments: list[datetime] = []
    for step in range(1, ROLLS + 1):
        as_of = end - timedelta(days=step * horizon_days)
        try:
            cutoffs.plan(first, last, as_of, horizon_days)
        except HistoryError:
            if not moments:
                raise
            break
        moments.append(as_of)
    return moments


def run(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    horizon_days: int,
    moments: Sequence[datetime],
    minor_units: int,
    advance: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Evaluate the models at each of `moments` on the attached lake, one result a moment.

    HistoryError when a horizon ends after the last order, or the history before a moment is too short.
    """
    first, last = dataset.history(connection)
    latest = midnight_after(last)
    for moment in moments:
        if moment + timedelta(days=horizon_days) > latest:
            possible = latest - timedelta(days=horizon_days)
            raise HistoryError(
                f"{horizon_days} days after {moment:%Y-%m-%d} reach beyond the last order ({last:%Y-%m-%d}); "
                f"the latest cutoff that can be evaluated is {possible:%Y-%m-%d}"
            )
    return [
        _evaluate(connection, sql, cutoffs.plan(first, last, moment, horizon_days), minor_units, advance)
        for moment in moments
    ]


def _evaluate(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    plan: cutoffs.CutoffPlan,
    minor_units: int,
    advance: Callable[[str], None],
) -> dict[str, Any]:
    """Fit on what was known before the plan's `as_of`, and measure on the horizon after it."""
    unit = 10**minor_units
    plan, data, snapshot = learnable(connection, sql, plan)
    advance(f"{plan.as_of:%Y-%m-%d}: fit and evaluate")
    today = dataset.stacked([snapshot.frame])
    models = Recipe(dataset.stacked([data.frame, snapshot.frame]), plan).at(plan.as_of)
    # The outcome is read only after all fits, so it cannot leak into them.
    outcome = dataset.outcome(connection, sql, today, plan.as_of, plan.horizon_days)
    newest = data.at([plan.holdout])
    baselines = forecasts(outcome, newest, snapshot.process, plan.stretch, plan.horizon_days)
    forecast = models.clv.predict(outcome)
    value, churned = outcome.value_cents / unit, outcome.churned.astype(np.float64)
    return {
        "as_of": f"{plan.as_of:%Y-%m-%d}",
        "horizon_days": plan.horizon_days,
        "label_days": plan.label_days,
        "cutoffs": [f"{cutoff:%Y-%m-%d}" for cutoff in plan.fit],
        "customers": len(value),
        "mean_value": float(value.mean()),
        "churn_rate": float(churned.mean()),
        "value": {
            OURS: _value_metrics(value, forecast.value_cents / unit)
            | evaluate.intervals(outcome.value_cents, forecast, unit)
            | {"orders_rmse": metrics.rmse(outcome["future_orders"], forecast.orders)},
            **{name: _value_metrics(value, predicted / unit) for name, (predicted, _) in baselines.items()},
        },
        "churn": {
            OURS: _churn_metrics(churned, models.churn.predict(outcome)),
            **{name: _churn_metrics(churned, score) for name, (_, score) in baselines.items() if score is not None},
        },
        "constants": _constants(models, snapshot.process),
    }


def _constants(models: Models, process: Process) -> dict[str, Any]:
    return {
        "clv": models.clv.constants.model_dump(mode="json", exclude={"features"}),
        "churn": models.churn.constants.model_dump(mode="json", exclude={"features"}),
        "process": process.model_dump(),
    }


def _value_metrics(actual: FloatArray, predicted: FloatArray) -> dict[str, Any]:
    return _with_errors(VALUE_STATISTICS, actual, predicted) | {"deciles": metrics.calibration(actual, predicted)}


def _churn_metrics(churned: FloatArray, score: FloatArray) -> dict[str, Any]:
    """Measure a probability. A score above 1 is only a ranking, so it gets no Brier score and no calibration."""
    if score.max() > 1:
        return _with_errors({name: CHURN_STATISTICS[name] for name in ("roc_auc", "pr_auc")}, churned, score)
    return _with_errors(CHURN_STATISTICS, churned, score) | {
        "mean_probability": float(score.mean()),
        "deciles": metrics.calibration(churned, score),
    }


def _with_errors(
    statistics: dict[str, evaluate.Statistic], actual: FloatArray, predicted: FloatArray
) -> dict[str, Any]:
    """Return each statistic, and under `errors` its bootstrap standard error."""
    measured: dict[str, Any] = {name: statistic(actual, predicted) for name, statistic in statistics.items()}
    measured["errors"] = {
        name: metrics.standard_error(statistic, actual, predicted) for name, statistic in statistics.items()
    }
    return measured
