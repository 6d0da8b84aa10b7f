"""`regulars describe`: make the relations, print them, and write them."""

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
    """Print the description of a lake, and write it to the folder `out` if given. Errors as `relations.describe`."""
    if out:
        refuse_foreign(out, output.MARKER)  # refuse before the work
    description = relations.describe(
        connection, lake, sql, as_of, lost_after_months=lost_after_months, bundle=bundle, tell=tell
    )
    if out:
        tell("writing")
        output.write(connection, description, sql, out)
    if as_json:
        console.console.out(output.as_json(description, sql))
        return
    show_description(description)
    if out:
        console.say(f"Wrote {out}: {output.PAGE}, and {len(description.tables)} relations as CSV and Parquet")
