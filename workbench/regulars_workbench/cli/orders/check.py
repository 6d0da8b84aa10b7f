"""The command `regulars check`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.sql import SqlFolder
from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, Lake, MemoryLimit, connected

INSUFFICIENT = 3
"""Exit status of a check that did not pass; 1 and 2 have other meanings."""


def check(
    lake: Lake,
    *,
    horizon: Annotated[int, typer.Option(help="horizon of the planned training in days", min=7, max=730)] = 90,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="date or timestamp (UTC) of the planned training; without it the midnight after the last order"
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="JSON file to write; - prints only the JSON")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG file to write: the curve of the churn horizon")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Check a lake: what is in it, what is odd, and whether its history is enough to train.

    Exit status: 0 the history is enough and no finding is an error; 3 otherwise; 2 the lake cannot be read.
    """
    from regulars_workbench.check.run import check as run
    from regulars_workbench.check.show import deliver

    with console.status("reading") as tell, connected(memory_limit) as connection:
        moment = parse_as_of(as_of) if as_of else None
        report, curve = run(connection, lake, SqlFolder(SQL), horizon_days=horizon, as_of=moment, tell=tell)
    deliver(report, curve, json, picture)
    if not report.passed:
        raise typer.Exit(INSUFFICIENT)
