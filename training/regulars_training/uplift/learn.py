"""One run of `regulars uplift`: from a lake's treatments to a folder of learnt effects, validated and verified."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from regulars.actions.uplift import FOLDER, ActionConstants, Constants, Uplift
from regulars.arrays import FloatArray
from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError
from regulars_training.export import package
from regulars_training.export.onnx_export import as_json
from regulars_training.uplift.assignment import FEW, assignment, minimum_detectable_effect
from regulars_training.uplift.experiment import SOON, Experiment, Logged, read
from regulars_training.uplift.learners import Fitted, logistic_difference
from regulars_training.uplift.qini import by_tenth, interval_of_difference, qini_auc
from regulars_training.uplift.shapes import ScoreSlope, fit_slope, later, learn_shapes
from regulars_training.uplift.trial import Trial
from regulars_training.uplift.validate import Choice, choose, folds, pooled

CHECKED = 2_000
"""Rows by which the exported trees are compared with the fitted ones."""


def learn(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    *,
    horizon_days: int,
    out: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> Uplift:
    """Learn the effect of every action with enough customers in both arms, and write the folder.

    HistoryError when the treatments hold no experiment that is large enough.
    """
    info = attach(connection, lake)
    logged = read(connection, sql, horizon_days, tell)
    small = {name: _arms(one) for name, one in logged.actions.items() if min(_arms(one)) < FEW}
    if len(small) == len(logged.actions):
        counts = "; ".join(f"{name}: {arms[0]} treated, {arms[1]} control" for name, arms in small.items())
        raise HistoryError(
            f"no experiment is large enough to learn from ({counts}); each arm needs {FEW} customers at least: "
            "hold out a random control group and wait for its horizon"
        )
    actions = {name: one for name, one in logged.actions.items() if name not in small}
    constants = Constants(
        actions=list(actions),
        features=list(logged.features),
        horizon_days=horizon_days,
        process=logged.process,
        money_level=_money_level(logged),
    )
    files = {f"{FOLDER}/constants.json": as_json(constants.model_dump())}
    metrics: dict[str, dict[str, Any]] = {}
    tell("learning who responds to anything")
    trials, shapes, shape, after, days = _shapes(actions, logged, horizon_days)
    scores, shared = pooled(trials)
    for place, (name, one) in enumerate(actions.items()):
        tell(f"learning {name}")
        common = (scores[name], shared) if len(actions) > 1 else None
        choice = replace(choose(trials[name], common, (shapes[name], shape)), later=after)
        files |= _files(place, choice, one)
        metrics[name] = report(one, choice, logged, 10**info.minor_units) | {"learnt_days": days}
    warnings = [*logged.warnings, *(f"{name}: only {min(arms)} in the smaller arm" for name, arms in small.items())]
    said = [f"{name}: {line}" for name, one in metrics.items() for line in one["warnings"]]
    tables = ("orders", "treatments", "customers", "events")
    package.write(
        out,
        files,
        {
            "as_of": logged.newest,
            "horizon_days": horizon_days,
            "label_days": horizon_days,
            "currency": info.currency,
            "minor_units": info.minor_units,
            "features": list(logged.features),
            "training": {
                "rows": sum(map(len, actions.values())),
                "warnings": warnings,
                "fingerprint": package.fingerprint(lake, tables),
            },
            "metrics": metrics,
            "verdict": {"passed": not said, "reasons": said or ["every effect passed its checks"]},
        },
    )
    return Uplift.open(out)


def _shapes(
    actions: Mapping[str, Experiment], logged: Logged, horizon_days: int
) -> tuple[dict[str, Trial], dict[str, FloatArray], Fitted, ScoreSlope, int]:
    """Learn shapes from the orders of the first days or from all, whichever shows more.

    Returns what to learn from, held-out scores, shapes, what follows after the days learnt from, and those days.
    """
    fold = {name: folds(one.customer_ids) for name, one in actions.items()}
    whole = {name: Trial.of(one.rows, one.treated, one.orders, fold[name]) for name, one in actions.items()}
    scores, shape = learn_shapes(whole, logged.features)
    if horizon_days <= SOON:
        return whole, scores, shape, ScoreSlope(0.0, 0.0), horizon_days
    soon = {name: Trial.of(one.rows, one.treated, one.soon, fold[name]) for name, one in actions.items()}
    early, early_shape = learn_shapes(soon, logged.features)
    shown, shown_early = (
        sum(fit_slope(held_out[name], trials[name]).evidence for name in actions)
        for held_out, trials in ((scores, whole), (early, soon))
    )
    if shown_early < shown:
        return whole, scores, shape, ScoreSlope(0.0, 0.0), horizon_days
    return soon, early, early_shape, later(early, soon, whole), SOON


def _arms(one: Experiment) -> tuple[int, int]:
    return int(one.treated.sum()), int((~one.treated).sum())


def _money_level(logged: Logged) -> float:
    """Return revenue over the process's expectation of as many orders, over all rows of all arms: little noise."""
    revenue = sum(float(one.value_cents.sum()) for one in logged.actions.values())
    expected = sum(float((one.orders * one.expected_cents).sum()) for one in logged.actions.values())
    return float(np.clip(revenue / expected, 0.2, 5.0)) if expected > 0 and revenue > 0 else 1.0


def _files(place: int, choice: Choice, one: Experiment) -> dict[str, bytes]:
    own = ActionConstants(
        form=choice.fitted.form,
        offset=choice.fitted.offset,
        calibration=choice.calibration,
        shapes=list(choice.fitted.shapes),
        usual_discount=choice.fitted.usual_discount,
    )
    check = one.rows[np.random.default_rng(7).permutation(len(one))[:CHECKED]]
    files = {f"{FOLDER}/{place}/constants.json": as_json(own.model_dump())}
    for part, exported in choice.fitted.export(check).items():
        files |= {f"{FOLDER}/{place}/{part}/{name}": content for name, content in exported.files.items()}
    return files


def report(one: Experiment, choice: Choice, logged: Logged, unit: int) -> dict[str, Any]:
    """Return all that is said of one action; orders a customer within the horizon, money in major units."""
    treated, ordered = one.treated, (one.orders > 0).astype(np.float64)
    predicted = choice.calibration.apply(choice.score)[0]
    largest, auc, warnings = assignment(one, logged.features)
    smallest, mean = minimum_detectable_effect(one.orders, treated), float(one.orders[~treated].mean())
    served = choice.calibration
    average = served.average
    if abs(average) < smallest:
        warnings.append(
            f"the experiment is too small for this effect: it can show a lift of {smallest:.3f} orders a customer "
            f"({_share(smallest, mean)} of the control's {mean:.3f}), the measured one is {average:+.3f}"
        )
    baseline = _held_out_logistic(one)
    return {
        "treated": int(treated.sum()),
        "control": int((~treated).sum()),
        "learner": choice.name,
        "slope_z": choice.tried,
        "orders": _difference(one.orders, treated, 1),
        "orders_adjusted": [average, 1.96 * float(np.sqrt(served.variance[0]))],
        "ordered": _difference(ordered, treated, 1),
        "value": _difference(one.value_cents, treated, unit),
        "minimum_detectable_effect_orders": smallest,
        "minimum_detectable_effect_value": minimum_detectable_effect(one.value_cents, treated) / unit,
        "control_orders": mean,
        "qini_auc": qini_auc(ordered, choice.score, treated),
        "qini_auc_logistic": qini_auc(ordered, baseline, treated),
        "slope": [choice.line.slope, 1.96 * float(np.sqrt(choice.line.covariance[1, 1]))],
        "slope_served": served.slope,
        "later": list(choice.later),
        "first_third": first_third(one, predicted, unit),
        "first_third_logistic": first_third(one, baseline, unit),
        "tenths": [asdict(tenth) for tenth in by_tenth(one.orders, predicted, treated)],
        "largest_difference_before": largest,
        "propensity_auc": auc,
        "warnings": warnings,
    }


def first_third(one: Experiment, predicted: FloatArray, unit: int) -> list[float]:
    """Return what the action brought, a customer, to the third of whom most extra revenue was predicted held out.

    Value of a decision, by the arms' difference of orders at the spend expected for each; with its 95 % interval.
    """
    promised = predicted * one.expected_cents
    chosen = np.zeros(len(one), dtype=np.bool_)
    chosen[np.argsort(-promised, kind="stable")[: len(one) // 3]] = True
    return _difference((one.orders * one.expected_cents)[chosen], one.treated[chosen], unit)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole > 0 else "-"


def _difference(outcome: FloatArray, treated: np.ndarray[Any, np.dtype[np.bool_]], unit: int) -> list[float]:
    """Return the arms' difference of means and its 95 % interval."""
    here, there = outcome[treated] / unit, outcome[~treated] / unit
    return [float(here.mean() - there.mean()), *interval_of_difference(here, there)]


def _held_out_logistic(one: Experiment) -> FloatArray:
    """Return the baseline's score of each row by models that have not seen it; none where an arm has one outcome."""
    fold, score = folds(one.customer_ids), np.zeros(len(one))
    for number in np.unique(fold):
        out = fold == number
        kept = one.take(~out)
        if all(0 < (kept.orders[arm] > 0).mean() < 1 for arm in (kept.treated, ~kept.treated)):
            score[out] = logistic_difference(kept.rows, kept.treated, kept.orders)(one.rows[out])
    return score
