"""Was the lot a lot? Whether what was known before tells who was treated, and what so many customers can show."""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from sklearn.model_selection import cross_val_predict

from regulars.arrays import FloatArray
from regulars_training.metrics import roc_auc
from regulars_training.uplift.experiment import Experiment
from regulars_training.uplift.learners import Flags, Rows, logistic

LARGE = 0.1
"""A standardised mean difference above this is no accident of a lot (Austin 2009, Statistics in Medicine 28(25))."""
SURE = 4.0
"""Standard errors by which a feature's difference, or the AUC, must leave what a lot gives: there are many features."""
FEW = 50
"""Customers in the smaller arm below which nothing is learnt."""
POWER, LEVEL = 0.8, 0.05
SAMPLE = 20_000


def balance(rows: Rows, treated: Flags) -> FloatArray:
    """Return each feature's standardised mean difference between the arms, nulls left out; 0 where it is constant."""
    found = np.zeros(rows.shape[1])
    for place, values in enumerate(rows.T.astype(np.float64)):
        one, other = (part[np.isfinite(part)] for part in (values[treated], values[~treated]))
        spread = np.sqrt((one.var() + other.var()) / 2) if min(len(one), len(other)) else 0.0
        found[place] = (one.mean() - other.mean()) / spread if spread > 0 else 0.0
    return found


def propensity_auc(rows: Rows, treated: Flags) -> float:
    """Return how well the features tell who was treated, cross-validated: about 0.5 after a lot."""
    some = np.random.default_rng(7).permutation(len(rows))[:SAMPLE]
    if min(treated[some].sum(), (~treated[some]).sum()) < FEW:
        return 0.5
    chance = cross_val_predict(logistic(), rows[some], treated[some], cv=3, method="predict_proba")[:, 1]
    return roc_auc(treated[some], chance)


def assignment(one: Experiment, names: Sequence[str]) -> tuple[float, float, list[str]]:
    """Return the largest standardised difference, the AUC of treatment, and what to warn of."""
    difference, auc = balance(one.rows, one.treated), propensity_auc(one.rows, one.treated)
    treated, control = int(one.treated.sum()), int((~one.treated).sum())
    worst = int(np.argmax(np.abs(difference)))
    largest = float(difference[worst])
    error = float(np.sqrt(1 / treated + 1 / control))
    some = min(1.0, SAMPLE / len(one))
    auc_error = float(np.sqrt((1 / treated + 1 / control) / (12 * some)))  # of two samples alike: Mann-Whitney
    warnings = []
    if abs(largest) > max(LARGE, SURE * error):
        warnings.append(
            f"the arms differ before the treatment: {names[worst]} by {largest:+.2f} standard deviations; "
            "if it was not a lot that chose who is treated, these effects are not the action's"
        )
    if auc > 0.5 + max(0.03, SURE * auc_error):
        warnings.append(
            f"features tell who was treated (AUC {auc:.2f}, a lot gives .50): assignment does not look random, so that "
            "these effects may be those of who was chosen"
        )
    return largest, auc, warnings


def minimum_detectable_effect(outcome: FloatArray, treated: Flags) -> float:
    """Return the difference of means that such arms show with 80 % power at the two-sided 5 % level.

    (z(.975) + z(.8)) sqrt(s1^2 / n1 + s0^2 / n0), with Cohen 1988, Statistical Power Analysis, ch. 2.
    """
    here, there = outcome[treated], outcome[~treated]
    quantiles = float(stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER))
    return quantiles * float(np.sqrt(here.var(ddof=1) / len(here) + there.var(ddof=1) / len(there)))
