"""Tables of a bundle: what it is, and how good its models are."""

from collections.abc import Mapping
from typing import Any

from regulars.models.bundle import Manifest
from regulars_workbench import console
from regulars_workbench.cli.models import segment_tables


def show_bundle(manifest: Manifest) -> None:
    """Print what a bundle is, its models beside baselines on the holdout period, and its segments."""
    training = manifest.training
    console.say(
        f": as of {manifest.as_of:%Y-%m-%d %H:%M}Z, horizon {manifest.horizon_days} days, "
        f"{manifest.currency}; trained on {training['rows']:,} snapshots at {', '.join(training['cutoffs'])}; "
        f"tested on {training['holdout_customers']:,} customers from {training['holdout']} on",
        "bold",
        f"Bundle {manifest.bundle}",
    )
    value, churn = manifest.metrics["clv"], manifest.metrics["churn"]
    names = ("rmse", "mae", "gini", "top_decile_share", "bias_percent")
    scores: Mapping[str, Any] = {"clv": value, **value["baselines"]}
    heads = (">RMSE", ">MAE", ">Gini", ">top-10% share", ">total bias %")
    console.table(
        "Value in the holdout period",
        ("model", *heads),
        [(model, *(score[name] for name in names)) for model, score in scores.items()],
    )
    console.say(
        f"The 80 % interval covers {value['coverage']:.1%} of the customers; "
        f"the mean absolute error of the median is {value['mae_median']:,.2f}"
    )
    rates = ("roc_auc", "pr_auc", "brier", "mean_probability", "churn_rate")
    rows = [("churn", *(churn[name] for name in rates))]
    rows += [
        (name, score["roc_auc"], score["pr_auc"], score.get("brier"), None, churn["churn_rate"])
        for name, score in churn["baselines"].items()
    ]
    console.table(
        "Churn in the holdout period", ("model", ">ROC-AUC", ">PR-AUC", ">Brier", ">predicted", ">actual"), rows
    )
    _explained("What value depends on", "RMSE", value["explained"])
    _explained("Why customers leave", "1 - ROC-AUC", churn["explained"])
    segment_tables.segments(manifest.metrics["segment"])
    _verdict(manifest)


def _verdict(manifest: Manifest) -> None:
    for warning in manifest.training.get("warnings", ()):
        console.say(warning, "yellow", "warning: ")
    console.say("\n".join(manifest.verdict.reasons))
    if manifest.verdict.passed:
        console.say("no worse than any baseline", "green", "Verdict: ")
    else:
        console.say("look at the tables before you use it", "yellow", "Verdict: WORSE than a baseline: ")


def _explained(title: str, loss: str, explained: Mapping[str, Any]) -> None:
    """Print the importance of groups of features, and how close the reasons are to exact TreeSHAP."""
    gain, shuffled = explained["gain_by_group"], explained["permutation"]["by_group"]
    rows = [
        (group, gain.get(group, 0.0), importance["rise"], importance["spread"])
        for group, importance in list(shuffled.items())[:6]
    ]
    console.table(title, ("features about", ">share of gain", f">rise of {loss} when shuffled", ">+/-"), rows)
    shap = explained["treeshap"]
    console.say(
        f"Reasons compared with exact TreeSHAP on {shap['customers']} customers: the same first reason for "
        f"{shap['by_group']['same_top']:.0%} (single features: {shap['by_feature']['same_top']:.0%}), "
        f"correlation {shap['by_group']['correlation']:.3f}"
    )


def show_proof(manifest: Manifest) -> None:
    """Print the accuracy of the models in the holdout period beside a baseline, in three lines."""
    value, churn = manifest.metrics["clv"], manifest.metrics["churn"]
    last, recency = value["baselines"]["last_period"], churn["baselines"]["recency"]
    rows = [
        (f"value, RMSE in {manifest.currency}", value["rmse"], last["rmse"], "last period carried forward"),
        ("value, Gini", value["gini"], last["gini"], "last period carried forward"),
        ("churn, ROC-AUC", churn["roc_auc"], recency["roc_auc"], "ranked by recency"),
    ]
    heads = ("measure", ">these models", ">baseline", "baseline is")
    console.table(
        f"Tested on {manifest.training['holdout_customers']:,} customers from {manifest.training['holdout']} on",
        heads,
        rows,
    )
