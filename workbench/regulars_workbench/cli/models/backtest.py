"""The command `regulars backtest`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.sql import SqlFolder
from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, MemoryLimit, connected


def backtest(
    source: Annotated[Path, typer.Argument(help="lake folder; with --protocol, the dataset's own file or folder")],
    *,
    horizon: Annotated[int, typer.Option(help="days after each cutoff that are predicted", min=1, max=730)] = 90,
    cutoffs: Annotated[
        list[str] | None, typer.Option(help="cutoffs, date or timestamp (UTC); without them the latest three")
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option(help="TOML file with columns, cutoff and horizon of a public dataset")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="JSON file to write, with all numbers")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Test the models on past periods that they were not trained on, beside simple baselines."""
    from regulars_training.run_backtest import run_backtest
    from regulars_workbench.cli.models import backtest_tables

    moments = [parse_as_of(cutoff) for cutoff in cutoffs or ()]
    with console.status("reading") as tell:
        results = run_backtest(
            connected(memory_limit),
            source,
            SqlFolder(SQL),
            horizon_days=horizon,
            moments=moments,
            protocol_file=protocol,
            tell=tell,
        )
    backtest_tables.show_results(results)
    if json_file:
        backtest_tables.write(results, json_file)
