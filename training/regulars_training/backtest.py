"""Rolling backtest: at each cutoff everything is fitted again on what was known, and judged on what came after."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np

from regulars.arrays import FloatArray
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError
from regulars.instants import midnight_after
from regulars_training import metrics
from regulars_training.data import cutoffs, dataset
from regulars_training.evaluation import evaluate
from regulars_training.evaluation.baselines import forecasts
from regulars_training.models.recipe import Recipe
from regulars_training.train import learnable

ROLLS = 3
"""Cutoffs that are judged unless others are asked for, one horizon apart."""

OURS = "regulars"

STATISTICS: dict[str, evaluate.Statistic] = {
    "rmse": metrics.rmse,
    "mae": metrics.mae,
    "gini": metrics.gini,
    "top_decile_share": metrics.top_decile_share,
    "bias_percent": metrics.total_bias,
}
CHURN: dict[str, evaluate.Statistic] = {
    "roc_auc": metrics.roc_auc,
    "pr_auc": metrics.pr_auc,
    "brier": metrics.brier,
}


def rolling(first: datetime, last: datetime, horizon_days: int) -> list[datetime]:
    """Return the newest cutoffs whose horizon lies within the history and that can be learnt for, newest first."""
    end = midnight_after(last)
    found: list[datetime] = []
    for step in range(1, ROLLS + 1):
        as_of = end - timedelta(days=step * horizon_days)
        try:
            cutoffs.plan(first, last, as_of, horizon_days)
        except HistoryError:
            if not found:
                raise
            break
        found.append(as_of)
    return found


def run(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    horizon_days: int,
    moments: Sequence[datetime],
    minor_units: int,
    advance: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Judge at each of `moments`, over the attached lake's orders.

    HistoryError when a horizon reaches beyond the last order, or there is too little history before a moment.
    """
    first, last = dataset.history(connection)
    latest = midnight_after(last)
    for moment in moments:
        if moment + timedelta(days=horizon_days) > latest:
            possible = latest - timedelta(days=horizon_days)
            raise HistoryError(
                f"{horizon_days} days after {moment:%Y-%m-%d} reach beyond the last order ({last:%Y-%m-%d}); "
                f"the latest cutoff that can be judged is {possible:%Y-%m-%d}"
            )
    return [
        _judge(connection, sql, cutoffs.plan(first, last, moment, horizon_days), minor_units, advance)
        for moment in moments
    ]


def _judge(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    plan: cutoffs.CutoffPlan,
    minor_units: int,
    advance: Callable[[str], None],
) -> dict[str, Any]:
    """Fit on what was known before the plan's `as_of` and judge on its horizon."""
    unit = 10**minor_units
    plan, data, snapshot = learnable(connection, sql, plan)
    advance(f"{plan.as_of:%Y-%m-%d}: fit and judge")
    today = dataset.stacked([snapshot.frame])
    models = Recipe(dataset.stacked([data.frame, snapshot.frame]), plan).at(plan.as_of)
    # The labels of the horizon are read only now that everything has been fitted.
    happened = dataset.outcome(connection, sql, today, plan.as_of, plan.horizon_days)
    newest = data.at([plan.holdout])
    others = forecasts(happened, newest, snapshot.process, plan.stretch, plan.horizon_days)
    forecast = models.clv.predict(happened)
    value, churned = happened.value_cents / unit, happened.churned.astype(np.float64)
    return {
        "as_of": f"{plan.as_of:%Y-%m-%d}",
        "horizon_days": plan.horizon_days,
        "label_days": plan.label_days,
        "cutoffs": [f"{cutoff:%Y-%m-%d}" for cutoff in plan.fit],
        "customers": len(value),
        "mean_value": float(value.mean()),
        "churn_rate": float(churned.mean()),
        "value": {
            OURS: _value(value, forecast.value_cents / unit)
            | evaluate.intervals(happened.value_cents, forecast, unit)
            | {"orders_rmse": metrics.rmse(happened["future_orders"], forecast.orders)},
            **{name: _value(value, predicted / unit) for name, (predicted, _) in others.items()},
        },
        "churn": {
            OURS: _churn(churned, models.churn.predict(happened)),
            **{name: _churn(churned, score) for name, (_, score) in others.items() if score is not None},
        },
        "constants": {
            "clv": models.clv.constants.model_dump(mode="json", exclude={"features"}),
            "churn": models.churn.constants.model_dump(mode="json", exclude={"features"}),
            "process": snapshot.process.model_dump(),
        },
    }


def _value(happened: FloatArray, predicted: FloatArray) -> dict[str, Any]:
    return _measured(STATISTICS, happened, predicted) | {"deciles": metrics.calibration(happened, predicted)}


def _churn(churned: FloatArray, score: FloatArray) -> dict[str, Any]:
    """Judge a probability, or a mere rank: that is no probability, and has no Brier score."""
    if score.max() > 1:
        return _measured({name: CHURN[name] for name in ("roc_auc", "pr_auc")}, churned, score)
    return _measured(CHURN, churned, score) | {
        "mean_probability": float(score.mean()),
        "deciles": metrics.calibration(churned, score),
    }


def _measured(statistics: dict[str, evaluate.Statistic], happened: FloatArray, predicted: FloatArray) -> dict[str, Any]:
    found: dict[str, Any] = {name: statistic(happened, predicted) for name, statistic in statistics.items()}
    found["errors"] = {
        name: metrics.standard_error(statistic, happened, predicted) for name, statistic in statistics.items()
    }
    return found
