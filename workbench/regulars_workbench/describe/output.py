"""A description as files: relations as Parquet and CSV, the page of pictures, and describe.json about them."""

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


def summary(description: Description, sql: SqlFolder) -> dict[str, Any]:
    """Return the content of describe.json: options, headline numbers, and grain and columns of each relation."""
    return {
        "regulars": __version__,
        "as_of": f"{description.as_of:%Y-%m-%dT%H:%M:%S.%fZ}",
        "currency": description.info.currency,
        "minor_units": description.info.minor_units,
        "lost_after_months": description.lost_after_months,
        "bundle": description.bundle,
        "facts": facts(description),
        "relations": {
            name: {"grain": sql.relations[name].grain, "rows": len(table), "columns": table.columns}
            for name, table in description.tables.items()
        },
    }


def as_json(description: Description, sql: SqlFolder) -> str:
    """Return the summary and all rows of all relations, for `--json`."""
    rows = {name: table.rows(named=True) for name, table in description.tables.items()}
    return json.dumps(summary(description, sql) | {"tables": rows}, default=_iso)


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(value)


def write(connection: duckdb.DuckDBPyConnection, description: Description, sql: SqlFolder, out: Path) -> None:
    """Write the folder atomically from the connection's relations. Equal input gives equal bytes."""
    with atomic_folder(out, MARKER) as partial:
        for name in description.tables:
            query = f"select * from {name} order by all"
            connection.execute(f"copy ({query}) to $out (format parquet)", {"out": str(partial / f"{name}.parquet")})
            connection.execute(f"copy ({query}) to $out (format csv, header)", {"out": str(partial / f"{name}.csv")})
        (partial / PAGE).write_text(page(description), encoding="utf-8")
        text = json.dumps(summary(description, sql), default=_iso, indent=1)
        (partial / MARKER).write_text(text + "\n", encoding="utf-8")
