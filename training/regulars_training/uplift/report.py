"""The metrics of one action's learnt effect, for the manifest and the printed tables."""

from dataclasses import asdict
from typing import Any

import numpy as np

from regulars.arrays import FloatArray
from regulars_training.uplift.assignment import assignment, minimum_detectable_effect
from regulars_training.uplift.experiment import Experiment, Logged
from regulars_training.uplift.learners import logistic_difference
from regulars_training.uplift.qini import by_tenth, interval_of_difference, qini_auc
from regulars_training.uplift.validate import Choice, folds


def report(experiment: Experiment, choice: Choice, logged: Logged, unit: int) -> dict[str, Any]:
    """Return the metrics of one action: orders a customer within the horizon, money in major units."""
    treated, ordered = experiment.treated, (experiment.orders > 0).astype(np.float64)
    predicted = choice.calibration.apply(choice.score)[0]
    largest, auc, warnings = assignment(experiment, logged.features)
    detectable, mean = minimum_detectable_effect(experiment.orders, treated), float(experiment.orders[~treated].mean())
    served = choice.calibration
    average = served.average
    if abs(average) < detectable:
        warnings.append(
            f"the experiment is too small for this effect: it can detect a lift of {detectable:.3f} orders a customer "
            f"({_share(detectable, mean)} of the control's {mean:.3f}), the measured one is {average:+.3f}"
        )
    baseline = _held_out_logistic(experiment)
    return {
        "treated": int(treated.sum()),
        "control": int((~treated).sum()),
        "learner": choice.name,
        "slope_z": choice.tried,
        "orders": _difference(experiment.orders, treated, 1),
        "orders_adjusted": [average, 1.96 * float(np.sqrt(served.variance[0]))],
        "ordered": _difference(ordered, treated, 1),
        "value": _difference(experiment.value_cents, treated, unit),
        "minimum_detectable_effect_orders": detectable,
        "minimum_detectable_effect_value": minimum_detectable_effect(experiment.value_cents, treated) / unit,
        "control_orders": mean,
        "qini_auc": qini_auc(ordered, choice.score, treated),
        "qini_auc_logistic": qini_auc(ordered, baseline, treated),
        "slope": [choice.line.slope, 1.96 * float(np.sqrt(choice.line.covariance[1, 1]))],
        "slope_served": served.slope,
        "later": list(choice.later),
        "first_third": first_third(experiment, predicted, unit),
        "first_third_logistic": first_third(experiment, baseline, unit),
        "tenths": [asdict(tenth) for tenth in by_tenth(experiment.orders, predicted, treated)],
        "largest_difference_before": largest,
        "propensity_auc": auc,
        "warnings": warnings,
    }


def first_third(experiment: Experiment, predicted: FloatArray, unit: int) -> list[float]:
    """Return the extra revenue a customer in the third with the highest held-out predictions, and its 95 % interval.

    It is the arms' difference of orders, each order at the customer's expected spend.
    """
    expected_revenue = predicted * experiment.expected_cents
    chosen = np.zeros(len(experiment), dtype=np.bool_)
    chosen[np.argsort(-expected_revenue, kind="stable")[: len(experiment) // 3]] = True
    return _difference((experiment.orders * experiment.expected_cents)[chosen], experiment.treated[chosen], unit)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole > 0 else "-"


def _difference(outcome: FloatArray, treated: np.ndarray[Any, np.dtype[np.bool_]], unit: int) -> list[float]:
    """Return the arms' difference of means and its 95 % interval."""
    arm, control = outcome[treated] / unit, outcome[~treated] / unit
    return [float(arm.mean() - control.mean()), *interval_of_difference(arm, control)]


def _held_out_logistic(experiment: Experiment) -> FloatArray:
    """Return the baseline's held-out score of each row; 0 for folds where an arm has a single outcome."""
    fold, score = folds(experiment.customer_ids), np.zeros(len(experiment))
    for number in np.unique(fold):
        out = fold == number
        kept = experiment.take(~out)
        if all(0 < (kept.orders[arm] > 0).mean() < 1 for arm in (kept.treated, ~kept.treated)):
            score[out] = logistic_difference(kept.rows, kept.treated, kept.orders)(experiment.rows[out])
    return score
