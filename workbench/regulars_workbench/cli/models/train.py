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
    horizon: Annotated[int, typer.Option(help="horizon of value and churn in days", min=1, max=730)] = 90,
    segments: Annotated[int, typer.Option(help="number of segments", min=2, max=8)] = 5,
    last_bundle: Annotated[
        Path | None,
        typer.Option(help="bundle in use, to compare with and to take segment names from; without it the one at --out"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="replace the bundle at --out even if the new one is worse")
    ] = False,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Train all models on data before --as-of, test them on a holdout period, and write the bundle.

    A bundle that is worse than a baseline or than the bundle in use does not replace --out. It is written beside it,
    and the exit status is 1.
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
        console.note(f"worse: {out} is unchanged; --force replaces it")
        raise typer.Exit(1)
