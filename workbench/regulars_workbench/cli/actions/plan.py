"""The command `regulars plan`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.sql import SqlFolder
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, MemoryLimit, connected, refuse_ending


def plan(  # noqa: PLR0913 - one plain option each
    scores: Annotated[Path, typer.Argument(help="scores made by score")],
    *,
    actions: Annotated[Path, typer.Option(help="TOML file: the catalogue of actions; see docs/plan.md")],
    budget: Annotated[
        float, typer.Option(help="most that the treated customers may cost, in units of currency", min=0)
    ],
    out: Annotated[Path | None, typer.Option(help="plan to write, .parquet or .csv")] = None,
    lake: Annotated[
        Path | None, typer.Option(help="lake folder: its treatments for cooldowns, its orders for the margin")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Parquet or CSV with customer_id, for expressions of the catalogue")
    ] = None,
    explain: Annotated[
        str | None, typer.Option(help="customer id: explain each action for this customer; writes no plan")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="JSON file to write, with all numbers")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG file to write: profit by budget")] = None,
    prices: Annotated[Path | None, typer.Option(help="JSON file to write: shadow prices, for publish")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Plan which customer gets which action within a budget, with cost, expected profit and a control group."""
    from regulars_workbench.plan.run import Files, run

    if out:
        refuse_ending(out, ".parquet", ".csv")
    files = Files(scores, actions, features, lake, out, json, picture, prices)
    with console.status("reading") as tell, connected(memory_limit) as connection:
        run(connection, files, SqlFolder(SQL), budget, explain, tell)
