"""The command `regulars map`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.atomic_files import atomic_file
from regulars.errors import MapError
from regulars_workbench import console
from regulars_workbench.cli.options import MemoryLimit, connected


def map_(
    sources: Annotated[list[Path], typer.Argument(help="your files of orders, as for ingest")],
    out: Annotated[Path, typer.Option(help="TOML file to write: the map, for you to check and change")],
    *,
    force: Annotated[bool, typer.Option("--force", help="replace the file if it is there")] = False,
    memory_limit: MemoryLimit = "1500MB",
) -> None:
    """Draft a map for files of any shop. Each guess has its evidence beside it."""
    from regulars_workbench.draft.preview import COLUMNS
    from regulars_workbench.draft.run import draft_map

    if out.exists() and not force:
        raise MapError(f"{out} is there already; name another file, or replace it with --force")
    with console.status("reading") as tell, connected(memory_limit) as connection:
        drafted = draft_map(sources, connection, tell)
    with atomic_file(out) as part:
        part.write_text(drafted.text, encoding="utf-8")
    if drafted.export:
        console.say(f"{drafted.export}, by its headers: this is its own map", "bold", "Recognised: ")
    if drafted.rows:
        console.table("The first rows as they would be read", COLUMNS, drafted.rows)
    for doubt in drafted.unsure:
        console.say(doubt, "yellow", "unsure: ")
    if drafted.problem:
        console.say(drafted.problem, "yellow", "not readable yet: ")
    console.say(f"Wrote {out}; check it, then: regulars ingest FILE... --map {out} --out LAKE")
