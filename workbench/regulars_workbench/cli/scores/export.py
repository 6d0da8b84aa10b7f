"""The command `regulars export`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars_workbench import console
from regulars_workbench.cli.options import MemoryLimit, connected


def export(  # noqa: PLR0913 - one plain option each
    scores: Annotated[Path, typer.Argument(help="Parquet file made by score")],
    *,
    to: Annotated[
        str, typer.Option(help=".xlsx, .csv, .json or .jsonl file, or postgresql://USER@HOST/DATABASE/TABLE")
    ],
    plan: Annotated[
        Path | None, typer.Option(help="file made by plan: a sheet or file for each of its actions")
    ] = None,
    form: Annotated[str | None, typer.Option("--as", help="upload form: klaviyo, hubspot or google-ads")] = None,
    lake: Annotated[Path | None, typer.Option(help="lake folder; it knows the currency")] = None,
    emails: Annotated[Path | None, typer.Option(help="CSV or Parquet of customer_id and email")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="file with the database's password; else PGPASSWORD")
    ] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Write scores and a plan for people and other programs: workbook, CSV, JSON, PostgreSQL, upload forms."""
    from regulars_workbench.export.destinations import destination
    from regulars_workbench.export.run import Inputs, run

    target = destination(to, form)
    inputs = Inputs(scores, plan, lake, emails, password_file)
    with console.status("reading") as tell, connected(memory_limit) as connection:
        run(connection, inputs, target, tell)
