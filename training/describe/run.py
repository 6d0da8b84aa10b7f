"""`regulars describe`: make the relations, print them, write them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
from regulars.bundle import Bundle
from regulars.files import refuse_foreign
from regulars.sql import SqlFolder

from training import show
from training.describe import output, relations
from training.describe.tables import show_description


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
        show.console.out(output.as_json(said, sql))
        return
    show_description(said)
    if out:
        show.say(f"Wrote {out}: {output.PAGE}, and {len(said.tables)} relations as CSV and Parquet")
