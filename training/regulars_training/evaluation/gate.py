"""The promotion gate: are the new models good enough on held-out time to be used?"""

from typing import Any

from regulars.models.bundle import Verdict

MOST_BIAS = 25.0
"""Largest error of the total, in percent, that a plan can use."""

COVERED = (0.70, 0.90)
"""Allowed coverage of the 80 % interval."""

MOST_MISCALIBRATED = 0.10
"""Largest difference between mean churn probability and churn rate."""

CLEAR = 2.0
"""A difference of fewer standard errors is a tie."""


def verdict(metrics: dict[str, Any], comparison: list[str] | None = None) -> Verdict:
    """Compare the models with the baselines, and with fixed bounds; pass unless a line begins with WORSE.

    `comparison` holds the lines of the comparison with the champion. A paired difference below two standard errors is a
    tie: with a dozen comparisons, one passes a lower bound by chance too often.
    """
    value, churned = metrics["clv"], metrics["churn"]
    lines = [_baseline("value RMSE", "rmse", value, name, sign=-1) for name in value["baselines"]]
    lines += [_baseline("value Gini", "gini", value, name) for name in ("last_period", "purchase_process")]
    lines += [_baseline("churn ROC-AUC", "roc_auc", churned, name) for name in churned["baselines"]]
    lines.append(_baseline("churn Brier", "brier", churned, "purchase_process", sign=-1))
    lines += [_bias(value), _coverage(value), _calibration(churned), *(comparison or [])]
    return Verdict(passed=not any(line.startswith("WORSE") for line in lines), reasons=lines)


def outcome(gap: float) -> str:
    """Return the word for a gap in standard errors, positive where the new models are better."""
    return "tie" if abs(gap) < CLEAR else "better" if gap > 0 else "WORSE"


def _baseline(target: str, metric: str, mine: dict[str, Any], name: str, sign: int = 1) -> str:
    """Compare one metric with a baseline's; `sign` is -1 where lower is better."""
    other = mine["baselines"][name]
    gap = sign * other[f"{metric}_gap_se"]
    return f"{outcome(gap)}: {target} {mine[metric]:.3f}, {name} {other[metric]:.3f} ({gap:+.1f} standard errors)"


def _bias(value: dict[str, Any]) -> str:
    bias, error = abs(value["bias_percent"]), value["errors"]["bias_percent"]
    result = "WORSE" if bias - CLEAR * error > MOST_BIAS else "good"
    return f"{result}: total value off by {value['bias_percent']:+.1f} % (allowed {MOST_BIAS:.0f} %, beyond noise)"


def _coverage(value: dict[str, Any]) -> str:
    low, high = COVERED
    result = "good" if low <= value["coverage"] <= high else "WORSE"
    held = f"the 80 % interval held {100 * value['coverage']:.0f} %"
    return f"{result}: {held} (allowed {100 * low:.0f} to {100 * high:.0f} %)"


def _calibration(churned: dict[str, Any]) -> str:
    gap = churned["mean_probability"] - churned["churn_rate"]
    result = "WORSE" if abs(gap) > MOST_MISCALIBRATED else "good"
    return (
        f"{result}: mean churn probability {churned['mean_probability']:.3f}, churn rate {churned['churn_rate']:.3f} "
        f"(allowed {MOST_MISCALIBRATED:.2f} apart)"
    )
