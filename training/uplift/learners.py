"""Learners of an effect: each ranks customers by what an action adds to their orders.

T- and S-learner as in Kuenzel, Sekhon, Bickel & Yu 2019, Metalearners for estimating heterogeneous treatment effects,
PNAS 116(10); R-learner as in Nie & Wager 2021, Quasi-oracle estimation, Biometrika 108(2). All are boosters of shallow
trees with strong shrinkage, fitted around the mean, so that their margins start at zero and export as every tree model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from regulars.actions.uplift import Form
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from training.export import Exported, from_booster
from training.metrics import FloatArray

Rows = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

SHRUNK: dict[str, Any] = {
    "objective": "reg:squarederror",
    "base_score": 0.0,
    "max_depth": 3,
    "learning_rate": 0.05,
    "min_child_weight": 50,
    "reg_lambda": 20,
    "subsample": 0.7,
    "colsample_bytree": 0.7,
    "tree_method": "hist",
    "nthread": 1,
    "seed": 7,
}
ROUNDS = {"outcome": 100, "arm": 80, "both": 120, "difference": 60}


@dataclass(frozen=True)
class Fitted:
    """A fitted learner: boosters by part, and what their difference was fitted around."""

    form: Form
    boosters: dict[str, xgb.Booster]
    offset: float

    def score(self, rows: Rows) -> FloatArray:
        """Return the score of each row: extra orders before calibration, shape (n,)."""
        margins = [_margin(booster, rows) for booster in self.boosters.values()]
        if self.form == "s":
            both = self.boosters["both"]
            margins = [_margin(both, with_arm(rows, np.full(len(rows), arm))) for arm in (1.0, 0.0)]
        if not margins:
            return np.full(len(rows), self.offset)
        difference: FloatArray = margins[0] - margins[1] if len(margins) > 1 else margins[0]
        return difference + self.offset

    def export(self, check: Rows) -> dict[str, Exported]:
        """Return each part's files; the rows of `check` are compared with the boosters."""
        rows = with_arm(check, np.arange(len(check)) % 2) if self.form == "s" else check
        return {part: from_booster(booster, rows.shape[1], rows) for part, booster in self.boosters.items()}


Learner = Callable[[Rows, Flags, FloatArray], Fitted]
"""From features (n, features), arm (n,) and outcome (n,)."""


def with_arm(rows: Rows, arm: npt.NDArray[Any]) -> Rows:
    """Return the rows with the arm as their last feature."""
    return np.concatenate([rows, arm.astype(np.float32)[:, None]], axis=1)


def _margin(booster: xgb.Booster, rows: Rows) -> FloatArray:
    margin: FloatArray = booster.predict(xgb.DMatrix(rows, nthread=1), output_margin=True).astype(np.float64)
    return margin


def boost(rows: Rows, target: FloatArray, part: str, weight: FloatArray | None = None) -> xgb.Booster:
    """Fit a booster to a target around zero."""
    return xgb.train(SHRUNK, xgb.QuantileDMatrix(rows, target, weight=weight, nthread=1), ROUNDS[part])


def t_learner(rows: Rows, treated: Flags, outcome: FloatArray) -> Fitted:
    """Fit each arm's outcome by a booster of its own."""
    means = {True: float(outcome[treated].mean()), False: float(outcome[~treated].mean())}
    boosters = {
        name: boost(rows[treated == arm], outcome[treated == arm] - means[arm], "arm")
        for name, arm in (("treated", True), ("control", False))
    }
    return Fitted("t", boosters, means[True] - means[False])


def s_learner(rows: Rows, treated: Flags, outcome: FloatArray) -> Fitted:
    """Fit the outcome of both arms by one booster that has the arm among its features."""
    return Fitted("s", {"both": boost(with_arm(rows, treated), outcome - outcome.mean(), "both")}, 0.0)


def r_learner(rows: Rows, treated: Flags, outcome: FloatArray) -> Fitted:
    """Fit what the arm explains of the outcome that features leave unexplained, by weighted least squares."""
    share = float(treated.mean())
    centred = treated - share
    residual, weight = residuals(rows, outcome)
    target, weight = residual / centred, centred**2 * weight
    weight = weight / weight.mean()
    mean = float(np.average(target, weights=weight))
    return Fitted("r", {"difference": boost(rows, target - mean, "difference", weight)}, mean)


def average(rows: Rows, treated: Flags, outcome: FloatArray) -> Fitted:  # noqa: ARG001 - it looks at nobody
    """Say the same of everyone: the difference of the arms' means."""
    return Fitted("average", {}, float(outcome[treated].mean() - outcome[~treated].mean()))


LEARNERS: dict[Literal["t", "s", "r"], Learner] = {"t": t_learner, "s": s_learner, "r": r_learner}


def residuals(rows: Rows, outcome: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the outcome less what features expect of it, learnt on the other half of the rows, and weights.

    The variance of counts rises with their mean, so a row weighs 1 over its expectation; both of shape (n,).
    """
    half = np.random.default_rng(7).permutation(len(rows)) % 2 == 0
    expected = np.empty(len(rows))
    for part in (half, ~half):
        mean = float(outcome[~part].mean())
        expected[part] = _margin(boost(rows[~part], outcome[~part] - mean, "outcome"), rows[part]) + mean
    floor = 0.1 + 0.1 * float(outcome.mean())
    return outcome - expected, 1.0 / (np.maximum(expected, 0.0) + floor)


def logistic_difference(rows: Rows, treated: Flags, outcome: FloatArray) -> Callable[[Rows], FloatArray]:
    """Return the plain baseline: a logistic regression of "ordered at all" for each arm, and their difference."""
    fitted = [_logistic().fit(rows[arm], outcome[arm] > 0) for arm in (treated, ~treated)]
    return lambda new: np.asarray(
        fitted[0].predict_proba(new)[:, 1] - fitted[1].predict_proba(new)[:, 1], dtype=np.float64
    )


def _logistic() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=500)
    )
