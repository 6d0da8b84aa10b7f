"""One run of `regulars uplift`: from a lake's treatments to a validated and verified folder of learnt effects."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from regulars.actions.effects.uplift import FOLDER, ActionConstants, Constants, Uplift
from regulars.arrays import FloatArray
from regulars.data.lake import LakeInfo, attach
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError
from regulars_training.export import package
from regulars_training.export.onnx_export import as_json
from regulars_training.uplift.assignment import FEW
from regulars_training.uplift.experiment import SOON, Experiment, Logged, read
from regulars_training.uplift.learners import Fitted
from regulars_training.uplift.report import report
from regulars_training.uplift.shapes import ScoreSlope, fit_slope, later_effect, learn_shapes
from regulars_training.uplift.trial import Trial
from regulars_training.uplift.validate import Choice, choose, folds, pooled

CHECKED = 2_000
"""Rows for the comparison of exported with fitted trees."""


def learn(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    *,
    horizon_days: int,
    out: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> Uplift:
    """Learn the effect of every action with enough customers in both arms, and write them to the folder `out`.

    HistoryError when no experiment in the treatments is large enough.
    """
    info = attach(connection, lake)
    logged = read(connection, sql, horizon_days, tell)
    actions = _large_enough(logged)
    constants = Constants(
        actions=list(actions),
        features=list(logged.features),
        horizon_days=horizon_days,
        process=logged.process,
        money_level=_money_level(logged),
    )
    files = {f"{FOLDER}/constants.json": as_json(constants.model_dump())}
    metrics: dict[str, dict[str, Any]] = {}
    tell("learning who responds to any action")
    trials, shape_scores, shapes, later, days = _shapes(actions, logged, horizon_days)
    scores, shared = pooled(trials)
    for place, (name, experiment) in enumerate(actions.items()):
        tell(f"learning {name}")
        common = (scores[name], shared) if len(actions) > 1 else None
        choice = replace(choose(trials[name], common, (shape_scores[name], shapes)), later=later)
        files |= _files(place, choice, experiment)
        metrics[name] = report(experiment, choice, logged, 10**info.minor_units) | {"learnt_days": days}
    package.write(out, files, _facts(lake, info, logged, horizon_days, metrics))
    return Uplift.open(out)


def _large_enough(logged: Logged) -> dict[str, Experiment]:
    """Return the experiments with enough customers in both arms; HistoryError without one."""
    actions = {name: logs for name, logs in logged.actions.items() if min(_arms(logs)) >= FEW}
    if not actions:
        arms = {name: _arms(logs) for name, logs in logged.actions.items()}
        counts = "; ".join(f"{name}: {treated} treated, {control} control" for name, (treated, control) in arms.items())
        raise HistoryError(
            f"no experiment is large enough to learn from ({counts}); each arm needs at least {FEW} customers: "
            "hold out a random control group and wait for its horizon"
        )
    return actions


def _facts(
    lake: Path, info: LakeInfo, logged: Logged, horizon_days: int, metrics: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the manifest's fields; the verdict fails when an effect has a warning."""
    small = {name: min(_arms(logs)) for name, logs in logged.actions.items() if name not in metrics}
    reasons = [f"{name}: {line}" for name, measured in metrics.items() for line in measured["warnings"]]
    return {
        "as_of": logged.newest,
        "horizon_days": horizon_days,
        "label_days": horizon_days,
        "currency": info.currency,
        "minor_units": info.minor_units,
        "features": list(logged.features),
        "training": {
            "rows": sum(len(logged.actions[name]) for name in metrics),
            "warnings": [
                *logged.warnings,
                *(f"{name}: only {customers} in the smaller arm" for name, customers in small.items()),
            ],
            "fingerprint": package.fingerprint(lake, ("orders", "treatments", "customers", "events")),
        },
        "metrics": metrics,
        "verdict": {"passed": not reasons, "reasons": reasons or ["every effect passed its checks"]},
    }


def _shapes(
    actions: Mapping[str, Experiment], logged: Logged, horizon_days: int
) -> tuple[dict[str, Trial], dict[str, FloatArray], Fitted, ScoreSlope, int]:
    """Learn shapes from the orders of the first days or of the whole horizon, whichever gives more evidence.

    Returns trials, held-out scores, shapes, the effect after the days learnt from, and the number of these days.
    """
    fold = {name: folds(logs.customer_ids) for name, logs in actions.items()}
    whole = {name: Trial.of(logs.rows, logs.treated, logs.orders, fold[name]) for name, logs in actions.items()}
    scores, shape = learn_shapes(whole, logged.features)
    if horizon_days <= SOON:
        return whole, scores, shape, ScoreSlope(0.0, 0.0), horizon_days
    soon = {name: Trial.of(logs.rows, logs.treated, logs.soon, fold[name]) for name, logs in actions.items()}
    early, early_shape = learn_shapes(soon, logged.features)
    evidence, early_evidence = (
        sum(fit_slope(held_out[name], trials[name]).evidence for name in actions)
        for held_out, trials in ((scores, whole), (early, soon))
    )
    if early_evidence < evidence:
        return whole, scores, shape, ScoreSlope(0.0, 0.0), horizon_days
    return soon, early, early_shape, later_effect(early, soon, whole), SOON


def _arms(experiment: Experiment) -> tuple[int, int]:
    return int(experiment.treated.sum()), int((~experiment.treated).sum())


def _money_level(logged: Logged) -> float:
    """Return revenue over the process's expected revenue of the same orders; all arms together, for less noise."""
    revenue = sum(float(logs.value_cents.sum()) for logs in logged.actions.values())
    expected = sum(float((logs.orders * logs.expected_cents).sum()) for logs in logged.actions.values())
    return float(np.clip(revenue / expected, 0.2, 5.0)) if expected > 0 and revenue > 0 else 1.0


def _files(place: int, choice: Choice, experiment: Experiment) -> dict[str, bytes]:
    constants = ActionConstants(
        form=choice.fitted.form,
        offset=choice.fitted.offset,
        calibration=choice.calibration,
        shapes=list(choice.fitted.shapes),
        usual_discount=choice.fitted.usual_discount,
    )
    check = experiment.rows[np.random.default_rng(7).permutation(len(experiment))[:CHECKED]]
    files = {f"{FOLDER}/{place}/constants.json": as_json(constants.model_dump())}
    for part, exported in choice.fitted.export(check).items():
        files |= {f"{FOLDER}/{place}/{part}/{name}": content for name, content in exported.files.items()}
    return files
