"""Champion and challenger: compare the new models with the bundle in use, on held-out time."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from regulars.arrays import FloatArray
from regulars.errors import BundleError
from regulars.models.bundle import MANIFEST, Bundle, Manifest
from regulars.models.loader import ModelLoader
from regulars.scoring.score import features_of
from regulars_training.evaluation.evaluate import CHURN, VALUE, Statistic
from regulars_training.evaluation.gate import outcome
from regulars_training.metrics import gap_in_standard_errors
from regulars_training.models.recipe import Recipe

SIGNS = {"rmse": -1, "mae": -1, "gini": 1, "roc_auc": 1, "brier": -1}
"""1 where higher is better, -1 where lower is better."""


def compare(connection: duckdb.DuckDBPyConnection, folder: Path, recipe: Recipe, metrics: dict[str, Any]) -> list[str]:
    """Compare the challenger, with its `metrics`, with the champion at `folder`; return one line a measure.

    A champion trained before the holdout began scores the holdout with its own SQL, and the comparison is paired by
    customer. A champion that has seen part of the holdout is compared by its metrics on its own held-out time. Without
    a champion there is no line. A champion that cannot be read counts as no worse.
    """
    if not (folder / MANIFEST).exists():
        return []
    try:
        champion, plan = Bundle(folder), recipe.plan
        champion.verify()
        manifest = champion.manifest
        unseen = manifest.as_of <= plan.holdout and manifest.horizon_days == plan.label_days
        return _paired(connection, champion, recipe) if unseen else _by_manifest(manifest, metrics)
    except BundleError as error:
        return [f"good: not compared with the bundle at {folder.name}, which cannot be used: {error}"]


def _paired(connection: duckdb.DuckDBPyConnection, champion: Bundle, recipe: Recipe) -> list[str]:
    """Compare on the same customers of the holdout."""
    short = recipe.in_window()
    moment, loader, name = short.plan.holdout, ModelLoader(champion), f"bundle {champion.manifest.bundle}"
    holdout, models = short.data.at([moment]), short.at(moment)
    table = features_of(connection, loader, moment)
    scores = pl.DataFrame(
        {
            "customer_id": pl.Series(table.customer_ids, dtype=pl.String),
            "value": loader["clv"].predict(table).columns["predicted_value"],
            "churn": loader["churn"].predict(table).columns["churn_probability"],
        }
    )
    theirs = holdout.frame.select("customer_id").join(scores, on="customer_id", how="left", maintain_order="left")
    unit = 10**champion.manifest.minor_units
    mine = models.clv.predict(holdout).value_cents / unit
    lines = _gaps("value", VALUE, holdout.value_cents / unit, mine, theirs["value"].to_numpy(), name)
    churned = holdout.churned.astype(np.float64)
    return lines + _gaps("churn", CHURN, churned, models.churn.predict(holdout), theirs["churn"].to_numpy(), name)


def _gaps(
    target: str, statistics: dict[str, Statistic], actual: FloatArray, mine: FloatArray, theirs: FloatArray, name: str
) -> list[str]:
    lines = []
    for measure, statistic in statistics.items():
        gap = SIGNS[measure] * gap_in_standard_errors(statistic, actual, mine, theirs)
        pair = f"{statistic(actual, mine):.3f}, {name} {statistic(actual, theirs):.3f}"
        lines.append(f"{outcome(gap)}: {target} {measure} {pair} ({gap:+.1f} standard errors)")
    return lines


def _by_manifest(champion: Manifest, metrics: dict[str, Any]) -> list[str]:
    """Compare measures that do not depend on the amount sold: Gini, ROC-AUC, and RMSE over the last period's RMSE."""
    name = f"bundle {champion.bundle} (its own held-out time)"
    try:
        pairs = {
            "value gini": _with_error(metrics["clv"], champion.metrics["clv"], "gini"),
            "churn roc_auc": _with_error(metrics["churn"], champion.metrics["churn"], "roc_auc"),
            "value RMSE over last period's": tuple(
                _relative(measured["clv"]) for measured in (metrics, champion.metrics)
            ),
        }
    except KeyError:
        return [f"good: not compared with bundle {champion.bundle}, which an older version made"]
    lines = []
    for measure, ((mine, my_error), (theirs, their_error)) in pairs.items():
        sign = -1 if "RMSE" in measure else 1
        gap = sign * (mine - theirs) / max(float(np.hypot(my_error, their_error)), 1e-9)
        lines.append(f"{outcome(gap)}: {measure} {mine:.3f}, {name} {theirs:.3f} ({gap:+.1f} standard errors)")
    return lines


def _with_error(mine: dict[str, Any], theirs: dict[str, Any], measure: str) -> tuple[tuple[float, float], ...]:
    return tuple((measured[measure], measured["errors"][measure]) for measured in (mine, theirs))


def _relative(value: dict[str, Any]) -> tuple[float, float]:
    last = max(value["baselines"]["last_period"]["rmse"], 1e-9)
    return value["rmse"] / last, value["errors"]["rmse"] / last
