"""Baselines: last period, mean, two purchase processes, XGBoost with its default settings."""

import numpy as np
import xgboost as xgb
from scipy import optimize, special

from regulars.arrays import FloatArray
from regulars.models import process_forecasts, purchase_process
from regulars.models.purchase_process import Process, Purchases
from regulars_training.data.dataset import Dataset
from regulars_training.purchase_process import CUSTOMERS, SPREAD

Forecast = tuple[FloatArray, FloatArray | None]
"""Value in minor units; and P(no order), or a score that ranks churn, or None."""


def fit_bgnbd(repeats: FloatArray, last: FloatArray, age: FloatArray, spread: float = SPREAD) -> FloatArray:
    """Return r, alpha, a, b of the BG/NBD (Fader, Hardie & Lee 2005, eq. 6), in the time unit of `age`.

    Maximum a posteriori: log r, log a and log b are normal around 0 with standard deviation `spread`; log (r / alpha)
    is normal around one event per mean age, with twice that deviation.
    """
    sample = np.random.default_rng(7).permutation(len(age))[:CUSTOMERS]
    unit = float(np.mean(age)) or 1.0
    x, t, end = repeats[sample], last[sample] / unit, age[sample] / unit

    def loss(theta: FloatArray) -> float:
        r, rate, a, b = np.exp(theta)
        alpha = r / rate
        common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) - special.betaln(a, b)
        alive = special.betaln(a, b + x) - (r + x) * np.log(alpha + end)
        left = special.betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t)
        value = common + np.where(x > 0, np.logaddexp(alive, left), alive)
        deviation = theta / (spread * np.array([1, 2, 1, 1]))
        return 0.5 * float(deviation @ deviation) - float(value.sum())

    start = np.array([0.0, np.log(max(float(x.sum() / end.sum()), 1e-3)), 0.0, 0.0])
    solution = optimize.minimize(loss, start, method="L-BFGS-B", bounds=[(-8, 8)] * 4)
    r, rate, a, b = np.exp(solution.x)
    return np.array([r, r / rate * unit, a, b])


def bgnbd(fitted: FloatArray, purchases: Purchases, days: float) -> tuple[FloatArray, FloatArray]:
    """Return expected days of purchase and P(no order) in the next `days` (Fader, Hardie & Lee 2005, eq. 10)."""
    r, alpha, a, b = fitted
    a = a + 1e-6 if abs(a - 1) < 1e-6 else a  # noqa: PLR2004 - the closed form divides by a - 1
    x, t, end = purchases.repeats, purchases.last, purchases.age
    odds = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + end) / (alpha + t)) ** (r + x), 0.0)
    alive = 1 / (1 + odds)
    quiet = ((alpha + end) / (alpha + end + days)) ** (r + x)
    series = special.hyp2f1(r + x, b + x, a + b + x - 1, days / (alpha + end + days))
    orders = (a + b + x - 1) / (a - 1) * (1 - quiet * series) * alive
    return np.maximum(np.nan_to_num(orders), 0.0), 1 - alive * (1 - quiet)


def forecasts(
    today: Dataset, newest: Dataset, fitted: Process, stretch: float, horizon_days: int
) -> dict[str, Forecast]:
    """Return each baseline's forecast for the rows of `today`; `newest` is the newest snapshot with known labels.

    `stretch` is horizon over label window; values of a label window are multiplied by it.
    """
    names = ("repeat_days", "last_repeat_days", "customer_age_days", "mean_purchase_day_cents")
    repeats, last, age, spend = (today[name] for name in names)
    purchases = Purchases(repeats, last, np.maximum(age, last), np.maximum(spend, 0.0))
    mean_spend = purchase_process.expected_spend(fitted, purchases)
    orders, no_order = bgnbd(fit_bgnbd(repeats, last, purchases.age), purchases, horizon_days)
    mean = float(newest.value_cents.mean()) * stretch
    return {
        "last_period": (today["last_period_cents"], today["recency_days"]),
        "mean": (np.full(len(age), mean), None),
        "bgnbd_gg": (orders * mean_spend, no_order),
        "paretonbd_gg": (today["horizon_orders"] * mean_spend, today["horizon_no_order"]),
        "xgb_default": xgb_default(today, newest, stretch),
    }


def xgb_default(today: Dataset, newest: Dataset, stretch: float) -> Forecast:
    """Return the forecast of XGBoost with default settings and squared error, fitted to the features of `newest`."""
    features = [name for name in newest.features if name not in process_forecasts.FEATURES]
    train, test = (Dataset(data.frame, tuple(features)).matrix for data in (newest, today))
    value = xgb.XGBRegressor(random_state=7, n_jobs=1).fit(train, newest.value_cents).predict(test)
    no_order = xgb.XGBClassifier(random_state=7, n_jobs=1).fit(train, newest.churned).predict_proba(test)[:, 1]
    return np.maximum(value.astype(np.float64), 0.0) * stretch, no_order.astype(np.float64) ** stretch
