"""Calibration of the total: factors on the purchase process's totals, learnt from past windows."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.optimize import brentq

from regulars.arrays import FloatArray, inverse_logit, log_odds, shifted
from regulars_training.data.cutoffs import CutoffPlan
from regulars_training.data.dataset import Dataset

PRIOR = 0.3
"""Prior standard deviation of the log error of a total."""

MOST = 3.0
"""Largest log factor: no total is corrected by more than e^3."""


@dataclass(frozen=True)
class TotalCalibration:
    """Factors on the process's value and orders, and a shift of the log odds of its P(no order)."""

    value: float = 1.0
    orders: float = 1.0
    shift: float = 0.0
    known: bool = False
    """Whether it was measured in the same window that it corrects."""


def actual(data: Dataset) -> TotalCalibration:
    """Return the calibration that makes the process's totals equal the labels of one snapshot."""
    value, orders, shift = (float(log) for log, _ in _measured(data))
    return TotalCalibration(float(np.exp(value)), float(np.exp(orders)), shift, known=True)


def expected(data: Dataset, plan: CutoffPlan, moment: datetime) -> TotalCalibration:
    """Return the calibration to expect at `moment`: from the same window last year, else the mean of earlier cutoffs.

    It is shrunk to no correction by its variance: of sampling customers, or between the cutoffs, whichever is larger.
    """
    year = plan.year_before(moment)
    windows = [year] if year else list(plan.before(moment))
    measured = np.array([_measured(data.at([window])) for window in windows])  # (windows, 3, 2)
    logs, variances = measured[..., 0], measured[..., 1]
    between = logs.var(axis=0, ddof=1) / len(windows) if len(windows) > 1 else np.zeros(3)
    noise = np.maximum(between, variances.mean(axis=0) / len(windows))
    value, orders, shift = (logs.mean(axis=0) * PRIOR**2 / (PRIOR**2 + noise)).tolist()
    return TotalCalibration(float(np.exp(value)), float(np.exp(orders)), shift)


def _measured(data: Dataset) -> list[tuple[float, float]]:
    """Return (log ratio, variance) for value and for orders, and (shift, variance) for churn."""
    pairs = (("future_value_cents", "process_value_cents"), ("future_orders", "process_orders"))
    ratios = [_ratio(data[actual], data[forecast]) for actual, forecast in pairs]
    churned, predicted = data.churned.astype(np.float64), data["process_no_order"]
    rate = float(np.clip(churned.mean(), 0.5 / len(churned), 1 - 0.5 / len(churned)))
    information = max(float((predicted * (1 - predicted)).sum()), 1.0)
    return [*ratios, (shift_to(predicted, rate), 1 / information)]


def _ratio(actual: FloatArray, forecast: FloatArray) -> tuple[float, float]:
    total = float(forecast.sum())
    if total <= 0 or actual.sum() <= 0:
        return 0.0, 1.0
    log = float(np.log(actual.sum() / total))
    spread = actual - forecast * np.exp(log)
    return float(np.clip(log, -MOST, MOST)), float((spread**2).sum() / actual.sum() ** 2)


def shift_to(probability: FloatArray, mean: float) -> float:
    """Return the shift of the log odds that makes the mean probability `mean`; 0 when none within 30 does."""
    inside = log_odds(probability)

    def gap(shift: float) -> float:
        return float(np.mean(inverse_logit(inside + shift)) - mean)

    low, high = -30.0, 30.0
    if gap(low) >= 0 or gap(high) <= 0:
        return 0.0
    return float(brentq(gap, low, high, xtol=1e-9))


def mean_churn(data: Dataset, total: TotalCalibration, own: FloatArray) -> float:
    """Return the target for the mean of a model's `own` P(no order in the horizon).

    It lies midway, in log odds, between the calibrated process's mean and the model's own mean, since neither was
    better on every dataset. The process's mean alone is used when `total` is known, and when labels are shorter than
    the horizon: such a model knows nothing of the horizon's mean.
    """
    calibrated = shifted(data["horizon_no_order"], total.shift).mean()
    if total.known or (data["horizon_no_order"] != data["process_no_order"]).any():
        return float(calibrated)
    between = (log_odds(calibrated) + log_odds(own.mean())) / 2
    return float(inverse_logit(between))
