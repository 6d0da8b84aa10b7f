"""What a bundle is and how good it was, as tables."""

from collections.abc import Mapping
from typing import Any

from regulars.models.bundle import Manifest
from regulars_workbench import console
from regulars_workbench.cli.models import segment_tables


def show_bundle(said: Manifest) -> None:
    """Print what a bundle is, how good it was on held-out time beside the baselines, and its segments."""
    training = said.training
    console.say(
        f": as of {said.as_of:%Y-%m-%d %H:%M}Z, horizon {said.horizon_days} days, "
        f"{said.currency}; trained on {training['rows']:,} snapshots at {', '.join(training['cutoffs'])}; "
        f"judged on {training['holdout_customers']:,} customers from {training['holdout']} on",
        "bold",
        f"Bundle {said.bundle}",
    )
    value, churn = said.metrics["clv"], said.metrics["churn"]
    names = ("rmse", "mae", "gini", "top_decile_share", "bias_percent")
    scores: Mapping[str, Any] = {"clv": value, **value["baselines"]}
    heads = (">RMSE", ">MAE", ">Gini", ">top-10% share", ">total bias %")
    console.table(
        "Value on held-out time",
        ("model", *heads),
        [(model, *(score[name] for name in names)) for model, score in scores.items()],
    )
    console.say(
        f"The 80 % interval held {value['coverage']:.1%} of them; "
        f"the mean absolute error of the median is {value['mae_median']:,.2f}"
    )
    rates = ("roc_auc", "pr_auc", "brier", "mean_probability", "churn_rate")
    rows = [("churn", *(churn[name] for name in rates))]
    rows += [
        (name, score["roc_auc"], score["pr_auc"], score.get("brier"), None, churn["churn_rate"])
        for name, score in churn["baselines"].items()
    ]
    console.table("Churn on held-out time", ("model", ">ROC-AUC", ">PR-AUC", ">Brier", ">predicted", ">actual"), rows)
    _explained("What value hangs on", "RMSE", value["explained"])
    _explained("Why customers leave", "1 - ROC-AUC", churn["explained"])
    segment_tables.segments(said.metrics["segment"])
    for warning in training.get("warnings", ()):
        console.say(warning, "yellow", "warning: ")
    console.say("\n".join(said.verdict.reasons))
    if said.verdict.passed:
        console.say("no worse than any baseline", "green", "Verdict: ")
    else:
        console.say("look before you use it", "yellow", "Verdict: WORSE than a baseline: ")


def _explained(title: str, loss: str, explained: Mapping[str, Any]) -> None:
    """Print what a model hangs on by group of features, and how near its reasons are to exact TreeSHAP."""
    gain, shuffled = explained["gain_by_group"], explained["permutation"]["by_group"]
    rows = [(group, gain.get(group, 0.0), one["rise"], one["spread"]) for group, one in list(shuffled.items())[:6]]
    console.table(title, ("features about", ">share of gain", f">{loss} when shuffled", ">+/-"), rows)
    shap = explained["treeshap"]
    console.say(
        f"Reasons beside exact TreeSHAP on {shap['customers']} customers: the same first reason for "
        f"{shap['by_group']['same_top']:.0%} (single features: {shap['by_feature']['same_top']:.0%}), "
        f"correlation {shap['by_group']['correlation']:.3f}"
    )


def show_proof(said: Manifest) -> None:
    """Print in three lines how good the models that scored were on held-out time, beside a baseline."""
    value, churn = said.metrics["clv"], said.metrics["churn"]
    last, recency = value["baselines"]["last_period"], churn["baselines"]["recency"]
    rows = [
        (f"value, RMSE in {said.currency}", value["rmse"], last["rmse"], "last period carried forward"),
        ("value, Gini", value["gini"], last["gini"], "last period carried forward"),
        ("churn, ROC-AUC", churn["roc_auc"], recency["roc_auc"], "ranked by recency"),
    ]
    heads = ("measure", ">these models", ">baseline", "which is")
    console.table(
        f"Judged on {said.training['holdout_customers']:,} customers from {said.training['holdout']} on", heads, rows
    )
