"""The command `regulars backtest`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.sql import SqlFolder
from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, MemoryLimit, connected


def backtest(
    source: Annotated[Path, typer.Argument(help="lake; with --protocol the dataset's own file or folder")],
    *,
    horizon: Annotated[int, typer.Option(help="days ahead that are judged", min=1, max=730)] = 90,
    cutoffs: Annotated[list[str] | None, typer.Option(help="moments to judge at; else the newest three")] = None,
    protocol: Annotated[Path | None, typer.Option(help="TOML with columns, cutoff and horizon")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="file for all numbers")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Judge the models on past time that they had not seen, beside what a sceptic would use instead."""
    from regulars_training.run_backtest import run_backtest
    from regulars_workbench.cli.models import backtest_tables

    moments = [parse_as_of(one) for one in cutoffs or ()]
    with console.status("reading") as tell:
        found = run_backtest(
            connected(memory_limit),
            source,
            SqlFolder(SQL),
            horizon_days=horizon,
            moments=moments,
            protocol_file=protocol,
            tell=tell,
        )
    backtest_tables.results(found)
    if json_file:
        backtest_tables.write(found, json_file)
