"""The printed report of a check, and its files."""

from pathlib import Path

from regulars.data.atomic_files import atomic_file
from regulars_workbench import console
from regulars_workbench.check.findings.gaps import Curve
from regulars_workbench.check.report import CheckReport, Finding

STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}
MEGABYTE = 1e6
STDOUT = Path("-")


def deliver(report: CheckReport, curve: Curve | None, json: Path | None, picture: Path | None) -> None:
    """Print the report as tables, or as JSON when `json` is -. Write the files asked for, atomically."""
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
        console.note("no picture: too few customers bought again to draw a curve", "cyan", "note: ")
    elif picture and curve:
        from regulars_workbench.check.picture import draw  # noqa: PLC0415 - altair takes a second, and only pictures need it

        draw(report, curve, picture)
        _wrote(picture)


def _wrote(file: Path) -> None:
    """Print to standard error: standard output may be JSON."""
    console.note(f"Wrote {file}")


def print_report(report: CheckReport) -> None:
    """Print the tables, the findings with their next steps, and the verdicts on history and churn horizon."""
    _tables(report)
    _findings(report.findings)
    _history(report)
    _churn_horizon(report)
    if report.passed:
        console.say(
            f"the history is enough for {report.history.horizon_days} days, and no finding is an error",
            "green",
            "Yes: ",
        )
        return
    errors = [finding.name for finding in report.findings if finding.severity == "error"]
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
    as_of = f" as of {report.as_of:%Y-%m-%d %H:%M}Z" if report.as_of else ""
    console.table(f"Lake {report.lake}{as_of}", ("table", ">rows", ">customers", "first", "last", ">MB"), rows)
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
        console.say("Nothing odd found", "green")
        return
    rows = [
        (
            finding.severity,
            finding.name,
            finding.table,
            finding.count,
            "-" if finding.share is None else f"{finding.share:.2%}",
            "; ".join(finding.examples),
        )
        for finding in findings
    ]
    console.table("What is odd", ("severity", "finding", "table", ">count", ">share", "examples"), rows)
    for finding in {finding.name: finding for finding in findings}.values():
        text = f": {finding.what}. Why: {finding.why}. Next: {finding.next_step}."
        console.say(text, STYLES[finding.severity], finding.name)


def _history(report: CheckReport) -> None:
    history = report.history
    rows = [
        (
            f"{cutoff.at:%Y-%m-%d}",
            cutoff.customers,
            cutoff.stayed,
            cutoff.customers - cutoff.stayed,
            "yes" if cutoff.enough else "NO",
        )
        for cutoff in history.cutoffs
    ]
    if rows:
        days = history.cutoffs[0].label_days
        heads = ("cutoff", ">customers", f">ordered again within {days} days", ">did not", "enough")
        console.table(f"Training data for a horizon of {history.horizon_days} days", heads, rows)
    if not history.sufficient:
        supported = history.supported_days
        longest = f"the longest possible horizon is {supported} days" if supported else "no horizon is possible yet"
        console.say(f"{'; '.join(history.reasons)}; {longest}", "red", f"Not enough for {history.horizon_days} days: ")
    for note in history.notes:
        console.say(note, "cyan", "note: ")


def _churn_horizon(report: CheckReport) -> None:
    horizon = report.churn_horizon
    if horizon.suggested_days is None:
        console.say(horizon.reading, head="Churn horizon: ")
        return
    rows = [(f"{name} %", days) for name, days in horizon.percentiles.items()]
    console.table("Days until repeat buyers return", ("share of repeat buyers", ">within days"), rows)
    console.say(f": {horizon.reading}", "bold", f"Suggested churn horizon {horizon.suggested_days} days")
