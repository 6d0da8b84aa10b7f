"""Learners of an effect: each ranks customers by the orders that an action adds.

T- and S-learner as in Kuenzel, Sekhon, Bickel & Yu 2019, Metalearners for estimating heterogeneous treatment effects,
PNAS 116(10); R-learner as in Nie & Wager 2021, Quasi-oracle estimation, Biometrika 108(2). All are boosters of shallow
trees with strong shrinkage. They are fitted to the residual of the outcome, minus its mean. So their margins start at
zero, and they are exported like every tree model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from regulars.actions.effects.shapes import SHAPED, Shape, mean_shape
from regulars.actions.effects.uplift import Form
from regulars.arrays import FloatArray
from regulars_training.export.onnx_export import Exported, from_booster

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
    """A fitted learner: boosters by part; `offset` is added to their difference."""

    form: Form
    boosters: dict[str, xgb.Booster]
    offset: float
    shapes: tuple[Shape, ...] = ()
    usual_discount: float = 0.0
    places: tuple[int, ...] = ()
    """For the form "shapes": its shapes, the usual discount share, and the columns of the features in SHAPED."""

    def score(self, rows: Rows) -> FloatArray:
        """Return the score of each row: extra orders before calibration, shape (n,)."""
        margins = [_margin(booster, rows) for booster in self.boosters.values()]
        if self.form == "s":
            both = self.boosters["both"]
            margins = [_margin(both, with_arm(rows, np.full(len(rows), arm))) for arm in (1.0, 0.0)]
        if self.form == "shapes":
            columns = {name: rows[:, at].astype(np.float64) for name, at in zip(SHAPED, self.places, strict=True)}
            return mean_shape(self.shapes, columns, self.usual_discount)
        if not margins:
            return np.full(len(rows), self.offset)
        difference: FloatArray = margins[0] - margins[1] if len(margins) > 1 else margins[0]
        return difference + self.offset

    def export(self, check: Rows) -> dict[str, Exported]:
        """Return each part's files; they are compared with the boosters on the rows of `check`."""
        rows = with_arm(check, np.arange(len(check)) % 2) if self.form == "s" else check
        return {part: from_booster(booster, rows.shape[1], rows) for part, booster in self.boosters.items()}


Learner = Callable[[Rows, Flags, FloatArray, FloatArray], Fitted]
"""Arguments: features (n, features), arm (n,), residual of the outcome (n,), weights (n,)."""


def with_arm(rows: Rows, arm: npt.NDArray[Any]) -> Rows:
    """Return the rows with the arm as their last feature."""
    return np.concatenate([rows, arm.astype(np.float32)[:, None]], axis=1)


def _margin(booster: xgb.Booster, rows: Rows) -> FloatArray:
    margin: FloatArray = booster.predict(xgb.DMatrix(rows, nthread=1), output_margin=True).astype(np.float64)
    return margin


def boost(rows: Rows, target: FloatArray, weight: FloatArray, part: str) -> xgb.Booster:
    """Fit a booster to a target with mean zero; weights are relative to their mean."""
    weight = weight / weight.mean()
    return xgb.train(SHRUNK, xgb.QuantileDMatrix(rows, target, weight=weight, nthread=1), ROUNDS[part])


def t_learner(rows: Rows, treated: Flags, residual: FloatArray, weight: FloatArray) -> Fitted:
    """Fit one booster for each arm."""
    boosters, means = {}, {}
    for name, arm in (("treated", treated), ("control", ~treated)):
        means[name] = float(np.average(residual[arm], weights=weight[arm]))
        boosters[name] = boost(rows[arm], residual[arm] - means[name], weight[arm], "arm")
    return Fitted("t", boosters, means["treated"] - means["control"])


def s_learner(rows: Rows, treated: Flags, residual: FloatArray, weight: FloatArray) -> Fitted:
    """Fit one booster for both arms, with the arm as a feature."""
    mean = float(np.average(residual, weights=weight))
    return Fitted("s", {"both": boost(with_arm(rows, treated), residual - mean, weight, "both")}, 0.0)


def r_learner(rows: Rows, treated: Flags, residual: FloatArray, weight: FloatArray) -> Fitted:
    """Fit the effect by weighted least squares: residual ~ (treated - share) effect."""
    return centred_learner(rows, treated.astype(np.float64) - float(treated.mean()), residual, weight)


def centred_learner(rows: Rows, centred: FloatArray, residual: FloatArray, weight: FloatArray) -> Fitted:
    """Fit an R-learner from `centred`, the arm minus its probability, which may differ by row."""
    target, row_weight = residual / centred, centred**2 * weight
    mean = float(np.average(target, weights=row_weight))
    return Fitted("r", {"difference": boost(rows, target - mean, row_weight, "difference")}, mean)


def average(treated: Flags, residual: FloatArray, weight: FloatArray) -> Fitted:
    """Return the same effect for everyone: the difference of the arms' means."""
    with_action, without = (float(np.average(residual[arm], weights=weight[arm])) for arm in (treated, ~treated))
    return Fitted("average", {}, with_action - without)


LEARNERS: dict[str, Learner] = {"t": t_learner, "s": s_learner, "r": r_learner}


def residuals(rows: Rows, outcome: FloatArray, half: Flags) -> tuple[FloatArray, FloatArray]:
    """Return residuals (n,) and weights (n,): each half is predicted by a booster fitted on the other half.

    The variance of counts rises with their mean, so a row's weight is 1 over its expectation; the mean weight is 1.
    """
    expected = np.empty(len(rows))
    for part in (half, ~half):
        mean = float(outcome[~part].mean())
        booster = boost(rows[~part], outcome[~part] - mean, np.ones(int((~part).sum())), "outcome")
        expected[part] = _margin(booster, rows[part]) + mean
    weight = 1.0 / (np.maximum(expected, 0.0) + 0.1 + 0.1 * float(outcome.mean()))
    return outcome - expected, weight / weight.mean()


def logistic_difference(rows: Rows, treated: Flags, outcome: FloatArray) -> Callable[[Rows], FloatArray]:
    """Return the baseline: the difference of two logistic regressions of "ordered at all", one for each arm."""
    fitted = [logistic().fit(rows[arm], outcome[arm] > 0) for arm in (treated, ~treated)]
    return lambda new: np.asarray(
        fitted[0].predict_proba(new)[:, 1] - fitted[1].predict_proba(new)[:, 1], dtype=np.float64
    )


def logistic() -> Pipeline:
    """Return a logistic regression on standardised features; nulls become the median."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=500)
    )
