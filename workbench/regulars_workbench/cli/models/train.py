"""The command `regulars train`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.sql import SqlFolder
from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.models import bundle_tables
from regulars_workbench.cli.options import SQL, AsOf, Lake, MemoryLimit, connected


def train(  # noqa: PLR0913 - one plain option each
    lake: Lake,
    *,
    as_of: AsOf,
    out: Annotated[Path, typer.Option(help="bundle folder to write")],
    horizon: Annotated[int, typer.Option(help="days ahead that value and churn are about", min=1, max=730)] = 90,
    segments: Annotated[int, typer.Option(help="number of segments", min=2, max=8)] = 5,
    last_bundle: Annotated[
        Path | None,
        typer.Option(help="bundle in use: not to lose to, and whose segments keep ids and names; else that at --out"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="write to --out even what lost")] = False,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Train every task on what was known before --as-of, judge it on held-out time, and write the bundle.

    One that lost, to a baseline or to the bundle in use, replaces none: it is kept beside --out, with exit status 1.
    """
    from regulars_training import train as run

    with console.progress(run.STEPS) as advance:
        bundle = run.train(
            connected(memory_limit),
            lake,
            SqlFolder(SQL),
            as_of=parse_as_of(as_of),
            horizon_days=horizon,
            out=out,
            segments=segments,
            last_bundle=last_bundle,
            force=force,
            advance=advance,
        )
    bundle_tables.show_bundle(bundle.manifest)
    console.say(f"Wrote {bundle.path}")
    if bundle.path != out:
        console.note(f"lost: {out} is unchanged; --force replaces it all the same")
        raise typer.Exit(1)
