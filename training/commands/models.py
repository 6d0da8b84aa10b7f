"""Commands about models: train them, judge them, show a bundle."""

from pathlib import Path
from typing import Annotated

import typer
from regulars.bundle import Bundle
from regulars.features import parse_as_of
from regulars.sql import SqlFolder

from training import show
from training.commands.common import SQL, AsOf, Lake, MemoryLimit, connected


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
    from training import train as run

    with show.progress(run.STEPS) as advance:
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
    show.manifest(bundle.manifest)
    show.say(f"Wrote {bundle.path}")
    if bundle.path != out:
        show.errors.print(f"lost: {out} is as it was; --force writes such a bundle there", soft_wrap=True)
        raise typer.Exit(1)


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
    from training import show_backtest
    from training.judged import judged

    moments = [parse_as_of(one) for one in cutoffs or ()]
    with show.status("reading") as tell:
        found = judged(
            connected(memory_limit),
            source,
            SqlFolder(SQL),
            horizon_days=horizon,
            moments=moments,
            protocol_file=protocol,
            tell=tell,
        )
    show_backtest.results(found)
    if json_file:
        show_backtest.write(found, json_file)


def models(bundle: Annotated[Path, typer.Argument(help="folder made by train")]) -> None:
    """Show a bundle: what it is, how good it was, and that every file is the one that training wrote."""
    opened = Bundle(bundle)
    opened.verify()
    show.manifest(opened.manifest)
    rows = [(name, entry.bytes, entry.sha256[:12]) for name, entry in opened.manifest.files.items()]
    show.table("Files (all verified)", ("file", ">bytes", "SHA-256"), rows)
