"""The new models beside the bundle in use: on the same held-out time where that bundle has not seen it."""

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
from regulars_training import metrics
from regulars_training.evaluation.evaluate import CHURN, VALUE, Statistic
from regulars_training.evaluation.gate import word
from regulars_training.models.recipe import Recipe

SIGNS = {"rmse": -1, "mae": -1, "gini": 1, "roc_auc": 1, "brier": -1}
"""Which way is better."""


def lines(connection: duckdb.DuckDBPyConnection, folder: Path, recipe: Recipe, found: dict[str, Any]) -> list[str]:
    """Say how the models with the metrics `found` stand against the bundle at `folder`, a line for each measure.

    A bundle that was trained before the holdout began answers for it, by its own SQL, and is compared customer by
    customer. Of one that has seen part of the holdout, only what it reached on its own held-out time can be compared.
    Where there is none, nothing is said; one that cannot be read is no one to lose to.
    """
    if not (folder / MANIFEST).exists():
        return []
    try:
        old, plan = Bundle(folder), recipe.plan
        old.verify()
        unseen = old.manifest.as_of <= plan.holdout and old.manifest.horizon_days == plan.label_days
        return _paired(connection, old, recipe) if unseen else _by_manifest(old.manifest, found)
    except BundleError as error:
        return [f"good: not compared with the bundle at {folder.name}, which cannot be used: {error}"]


def _paired(connection: duckdb.DuckDBPyConnection, old: Bundle, recipe: Recipe) -> list[str]:
    short = recipe.in_window()
    moment, loader, name = short.plan.holdout, ModelLoader(old), f"bundle {old.manifest.bundle}"
    holdout, models = short.data.at([moment]), short.at(moment)
    table = features_of(connection, loader, moment)
    said = pl.DataFrame(
        {
            "customer_id": pl.Series(table.customer_ids, dtype=pl.String),
            "value": loader["clv"].predict(table).columns["predicted_value"],
            "churn": loader["churn"].predict(table).columns["churn_probability"],
        }
    )
    theirs = holdout.frame.select("customer_id").join(said, on="customer_id", how="left", maintain_order="left")
    unit = 10**old.manifest.minor_units
    mine = models.clv.predict(holdout).value_cents / unit
    measured = _gaps("value", VALUE, holdout.value_cents / unit, mine, theirs["value"].to_numpy(), name)
    churned = holdout.churned.astype(np.float64)
    return measured + _gaps("churn", CHURN, churned, models.churn.predict(holdout), theirs["churn"].to_numpy(), name)


def _gaps(
    what: str, statistics: dict[str, Statistic], happened: FloatArray, mine: FloatArray, theirs: FloatArray, name: str
) -> list[str]:
    said = []
    for measure, statistic in statistics.items():
        gap = SIGNS[measure] * metrics.gap_in_standard_errors(statistic, happened, mine, theirs)
        pair = f"{statistic(happened, mine):.3f}, {name} {statistic(happened, theirs):.3f}"
        said.append(f"{word(gap)}: {what} {measure} {pair} ({gap:+.1f} standard errors)")
    return said


def _by_manifest(old: Manifest, found: dict[str, Any]) -> list[str]:
    """Compare what does not depend on how much was sold: Gini, ROC-AUC, and RMSE over that of the last period."""
    name = f"bundle {old.bundle} (its own held-out time)"
    try:
        pairs = {
            "value gini": _with_error(found["clv"], old.metrics["clv"], "gini"),
            "churn roc_auc": _with_error(found["churn"], old.metrics["churn"], "roc_auc"),
            "value RMSE over last period's": tuple(_relative(one["clv"]) for one in (found, old.metrics)),
        }
    except KeyError:
        return [f"good: bundle {old.bundle} is of an older make, and not compared"]
    said = []
    for measure, ((mine, my_error), (theirs, their_error)) in pairs.items():
        sign = -1 if "RMSE" in measure else 1
        gap = sign * (mine - theirs) / max(float(np.hypot(my_error, their_error)), 1e-9)
        said.append(f"{word(gap)}: {measure} {mine:.3f}, {name} {theirs:.3f} ({gap:+.1f} standard errors)")
    return said


def _with_error(mine: dict[str, Any], theirs: dict[str, Any], measure: str) -> tuple[tuple[float, float], ...]:
    return tuple((one[measure], one["errors"][measure]) for one in (mine, theirs))


def _relative(value: dict[str, Any]) -> tuple[float, float]:
    last = max(value["baselines"]["last_period"]["rmse"], 1e-9)
    return value["rmse"] / last, value["errors"]["rmse"] / last
