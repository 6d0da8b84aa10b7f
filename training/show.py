"""Tables for people: what the command line prints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
from regulars.bundle import Manifest
from regulars.ingest.report import IngestReport
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from training import show_segments
from training.console import console, errors, say, table

__all__ = ["console", "errors", "say", "table"]


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """Show a bar of `total` steps; yield the function that says what comes now, one step on or at `done` steps."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def advance(description: str, done: int | None = None) -> None:
            bar.update(task, description=description, completed=done, advance=None if done is not None else 1)

        yield advance


@contextmanager
def status(first: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner for work whose length is not known; yield the function that says what it does now."""
    with errors.status(first) as spinner:
        yield spinner.update


def checked(found: Sequence[Any]) -> None:
    """Print the measures of a simulated lake: what was asked, what came out, and whether they are near enough."""
    rows = [
        (one.what, float(one.asked), float(one.measured), float(one.allowed), "pass" if one.passed else "[red]FAIL[/]")
        for one in found
    ]
    table("Asked and measured", ("measure", ">asked", ">measured", ">allowed", "verdict"), rows)
    failed = sum(not one.passed for one in found)
    console.print(f"[red]{failed} of {len(found)} fail[/]" if failed else f"[green]all {len(found)} pass[/]")


def ingested(report: IngestReport) -> None:
    """Print what became of every row read, and whether the history is enough to train on."""
    rows = [
        (file.file, file.table, file.rows_read, file.rows_kept, sum(file.rejected.values())) for file in report.files
    ]
    if len(rows) > 1:
        rows.append(("total", "", report.rows_read, report.rows_kept, report.rows_rejected))
    table("Rows", ("file", "table", ">read", ">kept", ">rejected"), rows)
    if report.rejected:
        table("Rejected, all kept under rejects/", ("reason", ">rows"), list(report.rejected.items())[:20])
    verdict = report.verdict
    say(
        f"{report.orders:,} orders and {report.returns:,} returns of {report.customers:,} customers, "
        f"{report.first_order:%Y-%m-%d} to {report.last_order:%Y-%m-%d}, {report.currency}; "
        f"{verdict.repeat_rate:.0%} ordered more than once"
    )
    for warning in report.warnings:
        say(warning, "yellow", "warning: ")
    if verdict.trainable:
        say(verdict.reason, "green", "History is enough to train on: ")
    else:
        say(verdict.reason, "yellow", "History is not enough to train on: ")


def manifest(said: Manifest) -> None:
    """Print what a bundle is, how good it was on held-out time beside the baselines, and its segments."""
    training = said.training
    say(
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
    table(
        "Value on held-out time",
        ("model", *heads),
        [(model, *(score[name] for name in names)) for model, score in scores.items()],
    )
    say(
        f"The 80 % interval held {value['coverage']:.1%} of them; "
        f"the mean absolute error of the median is {value['mae_median']:,.2f}"
    )
    rates = ("roc_auc", "pr_auc", "brier", "mean_probability", "churn_rate")
    rows = [("churn", *(churn[name] for name in rates))]
    rows += [
        (name, score["roc_auc"], score["pr_auc"], score.get("brier"), None, churn["churn_rate"])
        for name, score in churn["baselines"].items()
    ]
    table("Churn on held-out time", ("model", ">ROC-AUC", ">PR-AUC", ">Brier", ">predicted", ">actual"), rows)
    _explained("What value hangs on", "RMSE", value["explained"])
    _explained("Why customers leave", "1 - ROC-AUC", churn["explained"])
    show_segments.segments(said.metrics["segment"])
    for warning in training.get("warnings", ()):
        say(warning, "yellow", "warning: ")
    say("\n".join(said.verdict.reasons))
    if said.verdict.passed:
        say("no worse than any baseline", "green", "Verdict: ")
    else:
        say("look before you use it", "yellow", "Verdict: WORSE than a baseline: ")


def _explained(title: str, loss: str, explained: Mapping[str, Any]) -> None:
    """Print what a model hangs on by group of features, and how near its reasons are to exact TreeSHAP."""
    gain, shuffled = explained["gain_by_group"], explained["permutation"]["by_group"]
    rows = [(group, gain.get(group, 0.0), one["rise"], one["spread"]) for group, one in list(shuffled.items())[:6]]
    table(title, ("features about", ">share of gain", f">{loss} when shuffled", ">+/-"), rows)
    shap = explained["treeshap"]
    say(
        f"Reasons beside exact TreeSHAP on {shap['customers']} customers: the same first reason for "
        f"{shap['by_group']['same_top']:.0%} (single features: {shap['by_feature']['same_top']:.0%}), "
        f"correlation {shap['by_group']['correlation']:.3f}"
    )


def proof(said: Manifest) -> None:
    """Print in three lines how good the models that scored were on held-out time, beside a baseline."""
    value, churn = said.metrics["clv"], said.metrics["churn"]
    last, recency = value["baselines"]["last_period"], churn["baselines"]["recency"]
    rows = [
        (f"value, RMSE in {said.currency}", value["rmse"], last["rmse"], "last period carried forward"),
        ("value, Gini", value["gini"], last["gini"], "last period carried forward"),
        ("churn, ROC-AUC", churn["roc_auc"], recency["roc_auc"], "ranked by recency"),
    ]
    heads = ("measure", ">these models", ">baseline", "which is")
    table(f"Judged on {said.training['holdout_customers']:,} customers from {said.training['holdout']} on", heads, rows)


def scores(connection: duckdb.DuckDBPyConnection, file: str, count: int) -> None:
    """Print the customers of a score file with the highest predicted value at risk."""
    query = """
        select customer_id, segment, predicted_value, churn_probability, churn_risk,
               concat(recency_score, frequency_score, monetary_score)
        from read_parquet($file) order by predicted_value desc, customer_id limit $count
    """
    rows = connection.execute(query, {"file": file, "count": count}).fetchall()
    heads = ("customer", "segment", ">predicted value", ">churn probability", "risk", "RFM")
    table(f"The {len(rows)} customers with the highest predicted value", heads, rows)
