"""A description as files: each relation as Parquet and CSV, the page, and describe.json, which says what they are."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from regulars import __version__
from regulars.data.atomic_files import atomic_folder
from regulars.data.sql import SqlFolder
from regulars_workbench.describe.facts import facts
from regulars_workbench.describe.page import page
from regulars_workbench.describe.relations import Description

MARKER = "describe.json"
PAGE = "report.html"


def summary(said: Description, sql: SqlFolder) -> dict[str, Any]:
    """Return what describe.json says: what was asked, the few first numbers, and each relation's grain and columns."""
    return {
        "regulars": __version__,
        "as_of": f"{said.as_of:%Y-%m-%dT%H:%M:%S.%fZ}",
        "currency": said.info.currency,
        "minor_units": said.info.minor_units,
        "lost_after_months": said.lost_after_months,
        "bundle": said.bundle,
        "facts": facts(said),
        "relations": {
            name: {"grain": sql.relations[name].grain, "rows": len(table), "columns": table.columns}
            for name, table in said.tables.items()
        },
    }


def as_json(said: Description, sql: SqlFolder) -> str:
    """Return the summary and every row of every relation, as `--json` prints them."""
    rows = {name: table.rows(named=True) for name, table in said.tables.items()}
    return json.dumps(summary(said, sql) | {"tables": rows}, default=_iso)


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(value)


def write(connection: duckdb.DuckDBPyConnection, said: Description, sql: SqlFolder, out: Path) -> None:
    """Write the folder atomically; the connection still holds the relations. Equal input gives equal bytes of data."""
    with atomic_folder(out, MARKER) as partial:
        for name in said.tables:
            query = f"select * from {name} order by all"
            connection.execute(f"copy ({query}) to $out (format parquet)", {"out": str(partial / f"{name}.parquet")})
            connection.execute(f"copy ({query}) to $out (format csv, header)", {"out": str(partial / f"{name}.csv")})
        (partial / PAGE).write_text(page(said), encoding="utf-8")
        text = json.dumps(summary(said, sql), default=_iso, indent=1)
        (partial / MARKER).write_text(text + "\n", encoding="utf-8")
