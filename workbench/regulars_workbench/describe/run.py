"""`regulars describe`: make the relations, print them, write them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from regulars.data.atomic_files import refuse_foreign
from regulars.data.sql import SqlFolder
from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.describe import output, relations
from regulars_workbench.describe.tables import show_description


def describe(  # noqa: PLR0913 - the command's own options
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    as_of: datetime,
    *,
    lost_after_months: int,
    bundle: Bundle | None,
    out: Path | None,
    as_json: bool,
    tell: Callable[[str], None],
) -> None:
    """Describe a lake on the console, and in the folder `out` when one is given; errors as `relations.describe`."""
    if out:
        refuse_foreign(out, output.MARKER)  # before the work, not after it
    said = relations.describe(
        connection, lake, sql, as_of, lost_after_months=lost_after_months, bundle=bundle, tell=tell
    )
    if out:
        tell("drawing and writing")
        output.write(connection, said, sql, out)
    if as_json:
        console.console.out(output.as_json(said, sql))
        return
    show_description(said)
    if out:
        console.say(f"Wrote {out}: {output.PAGE}, and {len(said.tables)} relations as CSV and Parquet")
