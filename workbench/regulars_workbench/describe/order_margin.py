"""The margin of a lake's orders, for plans and measures without a margin of their own."""

from datetime import datetime

import duckdb

from regulars.data.sql import SqlFolder
from regulars.instants import as_of_params


def order_margin(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, before: datetime) -> float | None:
    """Return margin / revenue of the attached lake's orders before an instant; None without positive margins."""
    sql.materialise(connection, ["order_margin"], {"as_of": as_of_params(before)["as_of"]})
    [(margin, revenue)] = connection.execute("select margin_cents, revenue_cents from order_margin").fetchall()
    return float(margin / revenue) if revenue and margin and margin > 0 else None
