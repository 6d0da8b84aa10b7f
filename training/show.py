"""Tables for people: what the command line prints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
from regulars.bundle import Manifest
from regulars.ingest.report import IngestReport
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


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


def say(text: str, style: str = "", head: str = "") -> None:
    """Print a line as it is: brackets in names and paths are no markup. `head` comes first, in `style`."""
    console.print(Text.assemble((head, style), text) if head else Text(text, style))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns whose name starts with '>' are aligned to the right."""
    out = Table(title=escape(title), title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        out.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    for row in rows:
        out.add_row(*(_text(cell) for cell in row))
    console.print(out)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.3f}" if abs(cell) < 10 else f"{cell:,.2f}"  # noqa: PLR2004 - three significant places below ten
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else escape(str(cell))


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
    why = list(churn["importance"].items())[:5]
    table("Why customers leave", ("feature", ">importance"), why)
    _segments(said.metrics["segment"])
    for warning in training.get("warnings", ()):
        say(warning, "yellow", "warning: ")
    say("\n".join(said.verdict.reasons))
    if said.verdict.passed:
        say("no worse than any baseline", "green", "Verdict: ")
    else:
        say("look before you use it", "yellow", "Verdict: WORSE than a baseline: ")


def _segments(segment: Mapping[str, Any]) -> None:
    evidence = [
        (row["k"], row["inertia"], row["silhouette"], "<-" if row["k"] == segment["k"] else "")
        for row in segment["evidence"]
    ]
    table("How many segments (elbow and silhouette)", (">k", ">inertia", ">silhouette", "used"), evidence)
    rows = [
        (one["name"], one["customers"], one["spend_share"], one["median_orders"], one["median_recency_days"])
        for one in segment["segments"]
    ]
    table("Segments", ("segment", ">customers", ">share of spend", ">median orders", ">median recency, days"), rows)


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
