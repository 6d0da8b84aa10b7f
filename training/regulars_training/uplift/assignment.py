"""Checks of an experiment: was the treatment assigned at random, and which effect can so many customers show?"""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from sklearn.model_selection import cross_val_predict

from regulars.arrays import FloatArray
from regulars_training.metrics import roc_auc
from regulars_training.uplift.experiment import Experiment
from regulars_training.uplift.learners import Flags, Rows, logistic

LARGE = 0.1
"""A standardised mean difference above this is an imbalance (Austin 2009, Statistics in Medicine 28(25))."""
SURE = 4.0
"""Standard errors from random assignment before a warning; so many since there are many features."""
FEW = 50
"""Fewest customers in the smaller arm."""
POWER, LEVEL = 0.8, 0.05
SAMPLE = 20_000


def balance(rows: Rows, treated: Flags) -> FloatArray:
    """Return each feature's standardised mean difference between the arms, without nulls; 0 where it is constant."""
    difference = np.zeros(rows.shape[1])
    for place, values in enumerate(rows.T.astype(np.float64)):
        arm, control = (part[np.isfinite(part)] for part in (values[treated], values[~treated]))
        spread = np.sqrt((arm.var() + control.var()) / 2) if min(len(arm), len(control)) else 0.0
        difference[place] = (arm.mean() - control.mean()) / spread if spread > 0 else 0.0
    return difference


def propensity_auc(rows: Rows, treated: Flags) -> float:
    """Return the cross-validated AUC of predicting treatment from the features: about 0.5 when it was random."""
    sample = np.random.default_rng(7).permutation(len(rows))[:SAMPLE]
    if min(treated[sample].sum(), (~treated[sample]).sum()) < FEW:
        return 0.5
    propensity = cross_val_predict(logistic(), rows[sample], treated[sample], cv=3, method="predict_proba")[:, 1]
    return roc_auc(treated[sample], propensity)


def assignment(experiment: Experiment, names: Sequence[str]) -> tuple[float, float, list[str]]:
    """Return the largest standardised difference, the AUC of treatment, and warnings."""
    difference, auc = balance(experiment.rows, experiment.treated), propensity_auc(experiment.rows, experiment.treated)
    treated, control = int(experiment.treated.sum()), int((~experiment.treated).sum())
    worst = int(np.argmax(np.abs(difference)))
    largest = float(difference[worst])
    error = float(np.sqrt(1 / treated + 1 / control))
    sampled = min(1.0, SAMPLE / len(experiment))
    auc_error = float(np.sqrt((1 / treated + 1 / control) / (12 * sampled)))  # Mann-Whitney, equal distributions
    warnings = []
    if abs(largest) > max(LARGE, SURE * error):
        warnings.append(
            f"the arms differ before the treatment: {names[worst]} by {largest:+.2f} standard deviations; "
            "if treatment was not assigned at random, these effects are not the action's"
        )
    if auc > 0.5 + max(0.03, SURE * auc_error):
        warnings.append(
            f"features predict who was treated (AUC {auc:.2f}, random assignment gives .50): these effects may come "
            "from the choice of customers, not from the action"
        )
    return largest, auc, warnings


def minimum_detectable_effect(outcome: FloatArray, treated: Flags) -> float:
    """Return the smallest true difference of means that a two-sided 5 % test detects with 80 % power.

    (z(.975) + z(.8)) sqrt(s1^2 / n1 + s0^2 / n0); Cohen 1988, Statistical Power Analysis, ch. 2.
    """
    arm, control = outcome[treated], outcome[~treated]
    quantiles = float(stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER))
    return quantiles * float(np.sqrt(arm.var(ddof=1) / len(arm) + control.var(ddof=1) / len(control)))
