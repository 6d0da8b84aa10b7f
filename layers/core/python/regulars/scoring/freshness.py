"""The age of the newest order at `as_of`."""

from datetime import datetime

import duckdb

from regulars.data.history import read_history
from regulars.errors import HistoryError

STALE_SHARE = 0.1
"""A gap of at least this share of the horizon since the newest order gives a warning."""

LEAST_DAYS = 7
"""Shorter gaps give no warning: a week without any order may be a holiday."""


def check_freshness(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, horizon_days: int, *, allow_stale: bool = False
) -> list[str]:
    """Return a warning when the newest order of the relation `orders` is old at `as_of`; stray dates do not count.

    HistoryError: it is older than the horizon, and stale orders are not allowed. Newer orders are then missing, so
    every customer looks as if they had left.
    """
    moment = f"timestamp '{as_of:%Y-%m-%d %H:%M:%S.%f}'"
    orders = f"(select ordered_at from orders where not is_return and ordered_at < {moment})"
    history = read_history(connection, orders)
    if history is None:
        return []
    age = (as_of.replace(tzinfo=None) - history.last).days
    age_text = f"the newest order is of {history.last:%Y-%m-%d}, {age:,} days before as_of {as_of:%Y-%m-%d}"
    if age > horizon_days and not allow_stale:
        raise HistoryError(
            f"{age_text}, more than the horizon of {horizon_days} days: customers would look as if they had left; "
            "bring newer orders, choose an earlier --as-of, or use --allow-stale"
        )
    if age > max(LEAST_DAYS, STALE_SHARE * horizon_days):
        return [f"{age_text}: orders since then are missing, so values are too low and churn is too high"]
    return []
