"""The command `regulars plan`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.sql import SqlFolder
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, MemoryLimit, connected


def plan(  # noqa: PLR0913 - one plain option each
    scores: Annotated[Path, typer.Argument(help="file made by score")],
    *,
    actions: Annotated[Path, typer.Option(help="TOML catalogue of actions; see docs/plan.md")],
    budget: Annotated[float, typer.Option(help="what the treated may cost together", min=0)],
    out: Annotated[Path | None, typer.Option(help="file to write: .parquet, or .csv")] = None,
    lake: Annotated[
        Path | None, typer.Option(help="its treatments say when the last one was; its orders the margin")
    ] = None,
    features: Annotated[Path | None, typer.Option(help="Parquet or CSV by customer_id, for the expressions")] = None,
    explain: Annotated[str | None, typer.Option(help="customer of whom to say why this action; writes no plan")] = None,
    json: Annotated[Path | None, typer.Option(help="file for all numbers")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG of profit against budget to write")] = None,
    prices: Annotated[Path | None, typer.Option(help="price list to write, to decide single customers by")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Say who gets which action within a budget, what it costs and should bring, and who is held back to measure it."""
    from regulars_workbench.plan.run import Files, run

    files = Files(scores, actions, features, lake, out, json, picture, prices)
    with console.status("reading") as tell, connected(memory_limit) as connection:
        run(connection, files, SqlFolder(SQL), budget, explain, tell)
