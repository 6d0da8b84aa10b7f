"""The promotion gate: are the new models fit to use, by what they reached on held-out time?"""

from typing import Any

from regulars.models.bundle import Verdict

MOST_BIAS = 25.0
"""A total that is off by more percent than this is not fit to plan with."""

COVERED = (0.70, 0.90)
"""An 80 % interval that holds less or more than this is none."""

MOST_MISCALIBRATED = 0.10
"""Mean churn probability and churn rate may differ by this much."""

CLEAR = 2.0
"""Standard errors within which a difference is noise."""


def verdict(metrics: dict[str, Any], against: list[str] | None = None) -> Verdict:
    """Say how the models stand against the baselines and against bounds of their own.

    `against` is what stands against the bundle in use. Less than two standard errors of a paired difference are a tie:
    of a dozen comparisons, one in six passes one by chance.
    """
    value, churned = metrics["clv"], metrics["churn"]
    said = [_against("value RMSE", "rmse", value, name, sign=-1) for name in value["baselines"]]
    said += [_against("value Gini", "gini", value, name) for name in ("last_period", "purchase_process")]
    said += [_against("churn ROC-AUC", "roc_auc", churned, name) for name in churned["baselines"]]
    said.append(_against("churn Brier", "brier", churned, "purchase_process", sign=-1))
    said += [_bias(value), _coverage(value), _calibration(churned), *(against or [])]
    return Verdict(passed=not any(line.startswith("WORSE") for line in said), reasons=said)


def word(gap: float) -> str:
    """Name a gap in standard errors, positive where the new models are better."""
    return "tie" if abs(gap) < CLEAR else "better" if gap > 0 else "WORSE"


def _against(what: str, metric: str, mine: dict[str, Any], name: str, sign: int = 1) -> str:
    """Compare one metric with a baseline's; `sign` is -1 where lower is better."""
    other = mine["baselines"][name]
    gap = sign * other[f"{metric}_gap_se"]
    return f"{word(gap)}: {what} {mine[metric]:.3f}, {name} {other[metric]:.3f} ({gap:+.1f} standard errors)"


def _bias(value: dict[str, Any]) -> str:
    off, error = abs(value["bias_percent"]), value["errors"]["bias_percent"]
    said = "WORSE" if off - CLEAR * error > MOST_BIAS else "good"
    return f"{said}: total value off by {value['bias_percent']:+.1f} % (allowed {MOST_BIAS:.0f} %, beyond noise)"


def _coverage(value: dict[str, Any]) -> str:
    low, high = COVERED
    said = "good" if low <= value["coverage"] <= high else "WORSE"
    held = f"the 80 % interval held {100 * value['coverage']:.0f} %"
    return f"{said}: {held} (allowed {100 * low:.0f} to {100 * high:.0f} %)"


def _calibration(churned: dict[str, Any]) -> str:
    gap = churned["mean_probability"] - churned["churn_rate"]
    said = "WORSE" if abs(gap) > MOST_MISCALIBRATED else "good"
    return (
        f"{said}: mean churn probability {churned['mean_probability']:.3f}, churn rate {churned['churn_rate']:.3f} "
        f"(allowed {MOST_MISCALIBRATED:.2f} apart)"
    )
