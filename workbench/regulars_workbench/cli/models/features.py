"""The command `regulars features`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.features.relations import make_features, make_features_learning, write_features
from regulars.instants import parse_as_of
from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, AsOf, Lake, MemoryLimit, connected, refuse_ending


def features(
    lake: Lake,
    as_of: AsOf,
    out: Annotated[Path, typer.Option(help="Parquet file to write")],
    bundle: Annotated[
        Path | None,
        typer.Option(help="bundle whose SQL and cut points to use; without it cut points are learnt from this lake"),
    ] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Write only the feature table: one row for each customer with an order before --as-of."""
    refuse_ending(out, ".parquet")
    connection = connected(memory_limit)
    attach(connection, lake)
    moment = parse_as_of(as_of)
    if bundle:
        opened = Bundle(bundle)
        make_features(connection, opened.sql, moment, opened.cut_points)
    else:
        make_features_learning(connection, SqlFolder(SQL), moment)
    rows = write_features(connection, moment, out)
    console.say(f"Wrote {out}: {rows:,} customers as of {moment:%Y-%m-%d %H:%M}Z")
