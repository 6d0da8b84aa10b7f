"""The command `regulars describe`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.data.sql import SqlFolder
from regulars.instants import parse_as_of
from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, AsOf, Lake, MemoryLimit, connected


def describe(  # noqa: PLR0913 - one plain option each
    lake: Lake,
    as_of: AsOf,
    *,
    bundle: Annotated[
        Path | None,
        typer.Option(help="bundle whose segments, value and churn to use; without it segments are RFM groups"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder to write: CSV, Parquet and an HTML page of pictures")] = None,
    lost_after: Annotated[
        int, typer.Option(help="whole months without an order after which a customer is lost", min=1)
    ] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON instead of tables")] = False,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Describe what happened before --as-of: revenue, customers by month, cohorts, RFM, segments, repeat orders."""
    from regulars_workbench.describe.run import describe as run

    with console.status("reading") as tell, connected(memory_limit) as connection:
        run(
            connection,
            lake,
            SqlFolder(SQL),
            parse_as_of(as_of),
            lost_after_months=lost_after,
            bundle=Bundle(bundle) if bundle else None,
            out=out,
            as_json=as_json,
            tell=tell,
        )
