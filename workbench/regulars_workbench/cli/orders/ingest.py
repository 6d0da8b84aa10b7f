"""The command `regulars ingest`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.schema import NO_CURRENCY
from regulars.data.sql import SqlFolder
from regulars.ingest.report import IngestReport
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, MemoryLimit, connected


def ingest(
    sources: Annotated[
        list[Path], typer.Argument(help="your files: CSV, Parquet, JSON, workbooks or zip; or folders of them")
    ],
    out: Annotated[Path, typer.Option(help="lake folder to write")],
    map_file: Annotated[
        Path | None, typer.Option("--map", help="TOML file that maps your columns; see docs/data-contract.md")
    ] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code, if no map names a currency")] = NO_CURRENCY,
    memory_limit: MemoryLimit = "1500MB",
) -> None:
    """Read your own files into a lake. Every row is kept, or rejected with a reason."""
    from regulars.ingest.mapping import CONTRACT, load, parse
    from regulars.ingest.run import ingest as run

    mapping = load(map_file) if map_file else CONTRACT
    if currency != NO_CURRENCY and mapping.currency == NO_CURRENCY:
        mapping = mapping.model_copy(update={"currency": parse({"currency": currency}, "--currency").currency})
    with console.status("reading") as tell, connected(memory_limit) as connection:
        report = run(sources, out, mapping=mapping, sql=SqlFolder(SQL), connection=connection, progress=tell)
    show_report(report)
    console.say(f"Wrote {out}")


def show_report(report: IngestReport) -> None:
    """Print how many rows were kept and rejected, and whether the history is enough to train."""
    if report.recognised and report.map:
        console.say(f"{report.recognised}, by its headers. Map used:", "bold", "Recognised: ")
        console.say(report.map.strip(), "dim")
    rows = [
        (file.file, file.table, file.rows_read, file.rows_kept, sum(file.rejected.values())) for file in report.files
    ]
    if len(rows) > 1:
        rows.append(("total", "", report.rows_read, report.rows_kept, report.rows_rejected))
    console.table("Rows", ("file", "table", ">read", ">kept", ">rejected"), rows)
    if report.rejected:
        console.table(
            "Rejected rows, all in the folder rejects/", ("reason", ">rows"), list(report.rejected.items())[:20]
        )
    verdict = report.verdict
    console.say(
        f"{report.orders:,} orders and {report.returns:,} returns of {report.customers:,} customers, "
        f"{report.first_order:%Y-%m-%d} to {report.last_order:%Y-%m-%d}, {report.currency}; "
        f"{verdict.repeat_rate:.0%} ordered more than once"
    )
    for warning in report.warnings:
        console.say(warning, "yellow", "warning: ")
    if verdict.trainable:
        console.say(verdict.reason, "green", "The history is enough to train: ")
    else:
        console.say(verdict.reason, "yellow", "The history is not enough to train: ")
