"""Fit the purchase process by maximum a posteriori. The priors are weak: a few hundred customers outweigh them."""

import numpy as np
from scipy import optimize, special

from regulars.arrays import FloatArray
from regulars.models.purchase_process import NODES, WEIGHTS, Process, Purchases

CUSTOMERS = 5_000
"""Enough for seven constants: above this number a fixed sample is fitted."""

SPREAD = 1.5
"""Standard deviation of the priors on the log scale: a factor of 4.5 up or down."""


def fit(purchases: Purchases, spread: float = SPREAD) -> Process:
    """Fit all seven constants to customers' purchases. `spread` = inf means maximum likelihood, without priors."""
    sample = np.random.default_rng(7).permutation(len(purchases.age))[:CUSTOMERS]
    columns = (purchases.repeats, purchases.last, purchases.age, purchases.spend)
    sampled = Purchases(*(values[sample] for values in columns))
    r, alpha, s, beta = fit_timing(sampled.repeats, sampled.last, sampled.age, spread)
    p, q, gamma = fit_spend(sampled.repeats + 1.0, sampled.spend, spread)
    return Process(r=r, alpha=alpha, s=s, beta=beta, p=p, q=q, gamma=gamma)


def fit_timing(
    repeats: FloatArray, last: FloatArray, age: FloatArray, spread: float = SPREAD
) -> tuple[float, float, float, float]:
    """Return r, alpha, s, beta of the Pareto/NBD, in the time unit of `age`.

    Priors: log r and log s are normal around log 1, with standard deviation `spread`. The logs of the mean rates
    r/alpha and s/beta are normal around one event per mean age, with twice that deviation.
    """
    unit = float(np.mean(age)) or 1.0
    rows = (repeats, last / unit, age / unit)
    centre = np.zeros(4)
    scale = np.array([spread, 2 * spread, spread, 2 * spread])

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        value, slope = _timing(theta, *rows)
        deviation = (theta - centre) / scale
        return value + 0.5 * float(deviation @ deviation), slope + deviation / scale

    start = np.array([0.0, np.log(max(float(rows[0].sum() / rows[2].sum()), 1e-3)), 0.0, 0.0])
    fitted = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-8, 8)] * 4, options={"ftol": 1e-8})
    r, rate, s, hazard = np.exp(fitted.x).tolist()
    return r, r / rate * unit, s, s / hazard * unit


def _timing(theta: FloatArray, repeats: FloatArray, last: FloatArray, age: FloatArray) -> tuple[float, FloatArray]:
    """Return the negative log likelihood and its gradient, at theta = log of (r, r / alpha, s, s / beta)."""
    r, rate, s, hazard = np.exp(theta)
    alpha, beta = r / rate, s / hazard
    start, power = alpha + last, r + repeats + s
    lowest = np.exp(power * np.log(start / (alpha + age)))
    logs, slopes = [], []
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        w = lowest + (1.0 - lowest) * ((node + 1.0) / 2.0)
        z = np.exp(np.log(w) / power)
        u = start / z - alpha
        # log of weight * integrand, where du = start / power * w^(-1/power - 1) dw
        width = np.log(weight / 2.0 * np.maximum(1.0 - lowest, 1e-300)) + np.log(start / power) - np.log(w) - np.log(z)
        logs.append(
            width + np.log(s) + s * np.log(beta) - (s + 1) * np.log(beta + u) - (r + repeats) * np.log(alpha + u)
        )
        slopes.append((np.log(alpha + u), 1 / (alpha + u), np.log(beta + u), 1 / (beta + u)))
    logs.append(s * np.log(beta / (beta + age)) - (r + repeats) * np.log(alpha + age))
    slopes.append((np.log(alpha + age), 1 / (alpha + age), np.log(beta + age), 1 / (beta + age)))
    stacked = np.stack(logs)
    total = special.logsumexp(stacked, axis=0)
    share = np.exp(stacked - total)
    left = 1.0 - share[-1]
    mean = [sum(share[k] * slopes[k][j] for k in range(len(slopes))) for j in range(4)]
    inverse_left = mean[3] - share[-1] * slopes[-1][3]
    value = special.gammaln(r + repeats) - special.gammaln(r) + r * np.log(alpha) + total
    by_r = special.digamma(r + repeats) - special.digamma(r) + np.log(alpha) - mean[0]
    by_alpha = r / alpha - (r + repeats) * mean[1]
    by_s = left / s + np.log(beta) - mean[2]
    by_beta = s / beta - s * mean[3] - inverse_left
    slope = np.array([s_.sum() for s_ in (by_r, by_alpha, by_s, by_beta)])
    # Chain rule: alpha = r / rate and beta = s / hazard, all on logs.
    chained = np.array(
        [slope[0] * r + slope[1] * alpha, -slope[1] * alpha, slope[2] * s + slope[3] * beta, -slope[3] * beta]
    )
    return -float(value.sum()), -chained


def fit_spend(days: FloatArray, spend: FloatArray, spread: float = SPREAD) -> tuple[float, float, float]:
    """Return p, q, gamma of the Gamma-Gamma model. `spend` is the mean over `days` of purchase; gamma has its unit.

    Customers without spend are left out. Priors: log p and log (q - 1) are normal around log 3.
    """
    paid = spend > 0
    if not paid.any():
        return 1.0, 2.0, 1e-9
    n, unit = days[paid], float(np.mean(spend[paid]))
    z = spend[paid] / unit

    def loss(theta: FloatArray) -> float:
        p, q = np.exp(theta[0]), 1.0 + np.exp(theta[1])
        gamma = np.exp(theta[2]) * (q - 1) / p
        value = special.gammaln(p * n + q) - special.gammaln(p * n) - special.gammaln(q) + q * np.log(gamma)
        value += (p * n - 1) * np.log(z) + p * n * np.log(n) - (p * n + q) * np.log(gamma + n * z)
        deviation = (theta - np.array([np.log(3), np.log(3), 0.0])) / spread
        return 0.5 * float(deviation @ deviation) - float(value.sum())

    fitted = optimize.minimize(loss, np.log([3.0, 3.0, 1.0]), method="L-BFGS-B", bounds=[(-5, 5)] * 3)
    p, q = float(np.exp(fitted.x[0])), 1.0 + float(np.exp(fitted.x[1]))
    return p, q, float(np.exp(fitted.x[2])) * (q - 1) / p * unit
