"""Tables for people: what a check prints."""

from pathlib import Path

from regulars.data.atomic_files import atomic_file
from regulars_workbench import console
from regulars_workbench.check.findings.gaps import Curve
from regulars_workbench.check.report import CheckReport, Finding

STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}
MEGABYTE = 1e6
STDOUT = Path("-")


def deliver(report: CheckReport, curve: Curve | None, json: Path | None, picture: Path | None) -> None:
    """Print the report as tables, or as JSON where `json` is -; write the files asked for, atomically."""
    text = report.model_dump_json(indent=2) + "\n"
    if json == STDOUT:
        print(text, end="")  # noqa: T201 - a document, which rich would wrap
    else:
        print_report(report)
    if json and json != STDOUT:
        with atomic_file(json) as partial:
            partial.write_text(text, encoding="utf-8")
        _wrote(json)
    if picture and curve is None:
        console.note("no picture: too few customers came back to draw a curve", "cyan", "note: ")
    elif picture and curve:
        from regulars_workbench.check.picture import draw  # noqa: PLC0415 - altair takes a second, and only pictures need it

        draw(report, curve, picture)
        _wrote(picture)


def _wrote(file: Path) -> None:
    """Say so where no reader of the JSON stumbles over it."""
    console.note(f"Wrote {file}")


def print_report(report: CheckReport) -> None:
    """Print what is there, what is odd with its next steps, and the two verdicts."""
    _tables(report)
    _findings(report.findings)
    _history(report)
    _churn_horizon(report)
    if report.passed:
        console.say(
            f"history suffices for {report.history.horizon_days} days, and nothing found is an error", "green", "Yes: "
        )
        return
    errors = [one.name for one in report.findings if one.severity == "error"]
    console.say("; ".join([*report.history.reasons, *(f"error: {name}" for name in errors)]), "red", "No: ")


def _tables(report: CheckReport) -> None:
    rows = [
        (
            name,
            facts.rows,
            facts.customers,
            f"{facts.first:%Y-%m-%d}" if facts.first else None,
            f"{facts.last:%Y-%m-%d}" if facts.last else None,
            f"{facts.bytes / MEGABYTE:,.1f}",
        )
        for name, facts in report.tables.items()
    ]
    seen = f" as of {report.as_of:%Y-%m-%d %H:%M}Z" if report.as_of else ""
    console.table(f"Lake {report.lake}{seen}", ("table", ">rows", ">customers", "first", "last", ">MB"), rows)
    orders = report.orders
    console.say(
        f"{orders.orders:,} orders worth {orders.value_cents / 10**report.minor_units:,.0f} {report.currency}, "
        f"{orders.orders_per_customer:.1f} a customer; {orders.one_order_share:.0%} of the customers ordered once; "
        f"{orders.return_share:.1%} of the rows are returns"
    )
    for name, facts in report.tables.items():
        missing = ", ".join(f"{column} {share:.1%}" for column, share in facts.missing.items() if share)
        if missing:
            console.say(missing, head=f"missing in {name}: ")


def _findings(findings: list[Finding]) -> None:
    if not findings:
        console.say("Nothing odd was found", "green")
        return
    rows = [
        (
            one.severity,
            one.name,
            one.table,
            one.count,
            "-" if one.share is None else f"{one.share:.2%}",
            "; ".join(one.examples),
        )
        for one in findings
    ]
    console.table("What is odd", ("", "finding", "table", ">count", ">share", "for example"), rows)
    for one in {one.name: one for one in findings}.values():
        console.say(f": {one.what}. Why: {one.why}. Next: {one.next_step}.", STYLES[one.severity], one.name)


def _history(report: CheckReport) -> None:
    history = report.history
    rows = [
        (f"{one.at:%Y-%m-%d}", one.customers, one.stayed, one.customers - one.stayed, "yes" if one.enough else "NO")
        for one in history.cutoffs
    ]
    if rows:
        days = history.cutoffs[0].label_days
        heads = ("cutoff", ">customers", f">ordered within {days} days", ">did not", "enough")
        console.table(f"What training for {history.horizon_days} days would learn from", heads, rows)
    if not history.sufficient:
        supported = history.supported_days
        says = f"the longest horizon it supports is {supported} days" if supported else "it supports no horizon yet"
        console.say(f"{'; '.join(history.reasons)}; {says}", "red", f"Not enough for {history.horizon_days} days: ")
    for note in history.notes:
        console.say(note, "cyan", "note: ")


def _churn_horizon(report: CheckReport) -> None:
    horizon = report.churn_horizon
    if horizon.suggested_days is None:
        console.say(horizon.reading, head="Churn horizon: ")
        return
    rows = [(f"{name} %", days) for name, days in horizon.percentiles.items()]
    console.table("Days until those who buy again do so", ("of them", ">within days"), rows)
    console.say(f": {horizon.reading}", "bold", f"Suggested churn horizon {horizon.suggested_days} days")
