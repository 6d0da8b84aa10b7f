"""How far the purchase process's totals are off, from what past windows brought: the same window last year if known."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.optimize import brentq

from regulars.arrays import FloatArray, inverse_logit, log_odds, shifted
from regulars_training.data.cutoffs import CutoffPlan
from regulars_training.data.dataset import Dataset

PRIOR = 0.3
"""Standard deviation that a total's error, as a logarithm, is thought to have before anything is seen."""

MOST = 3.0
"""No level is more than e^3 away from the process's."""


@dataclass(frozen=True)
class TotalCalibration:
    """Factors on the process's value and orders, and a shift of the log odds of its P(no order)."""

    value: float = 1.0
    orders: float = 1.0
    shift: float = 0.0
    known: bool = False
    """Whether it was measured in the very window that it is for."""


def actual(data: Dataset) -> TotalCalibration:
    """Return the level that the labels of one snapshot ask for."""
    value, orders, shift = (float(log) for log, _ in _measured(data))
    return TotalCalibration(float(np.exp(value)), float(np.exp(orders)), shift, known=True)


def expected(data: Dataset, plan: CutoffPlan, moment: datetime) -> TotalCalibration:
    """Return the level to expect at `moment`: that of the same window last year, else the mean of earlier cutoffs.

    Each is drawn towards none by its variance: that of sampling customers, and that between the cutoffs.
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
    """Return log ratio and its variance for value and orders, and shift with its variance for churn."""
    pairs = (("future_value_cents", "process_value_cents"), ("future_orders", "process_orders"))
    found = [_ratio(data[happened], data[forecast]) for happened, forecast in pairs]
    churned, said = data.churned.astype(np.float64), data["process_no_order"]
    rate = float(np.clip(churned.mean(), 0.5 / len(churned), 1 - 0.5 / len(churned)))
    information = max(float((said * (1 - said)).sum()), 1.0)
    return [*found, (shift_to(said, rate), 1 / information)]


def _ratio(happened: FloatArray, forecast: FloatArray) -> tuple[float, float]:
    total = float(forecast.sum())
    if total <= 0 or happened.sum() <= 0:
        return 0.0, 1.0
    log = float(np.log(happened.sum() / total))
    spread = happened - forecast * np.exp(log)
    return float(np.clip(log, -MOST, MOST)), float((spread**2).sum() / happened.sum() ** 2)


def shift_to(probability: FloatArray, mean: float) -> float:
    """Return the shift of the log odds that brings the mean probability to `mean`, at most 30 either way."""
    inside = log_odds(probability)

    def gap(shift: float) -> float:
        return float(np.mean(inverse_logit(inside + shift)) - mean)

    low, high = -30.0, 30.0
    if gap(low) >= 0 or gap(high) <= 0:
        return 0.0
    return float(brentq(gap, low, high, xtol=1e-9))


def mean_churn(data: Dataset, level: TotalCalibration, own: FloatArray) -> float:
    """Return the mean P(no order in the horizon) to bring a model's `own` probabilities to.

    It lies midway, in log odds, between the process's at its expected level and the model's own, which learnt the level
    of recent cutoffs: neither was the better guide on every dataset. A level that is known is taken as it is, and a
    model that learnt from windows shorter than the horizon knows nothing of the horizon's level.
    """
    there = shifted(data["horizon_no_order"], level.shift).mean()
    if level.known or (data["horizon_no_order"] != data["process_no_order"]).any():
        return float(there)
    between = (log_odds(there) + log_odds(own.mean())) / 2
    return float(inverse_logit(between))
