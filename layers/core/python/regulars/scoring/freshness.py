"""How old the newest order is at the moment that scores are for."""

from datetime import datetime

import duckdb

from regulars.data.history import read_history
from regulars.errors import HistoryError

STALE_SHARE = 0.1
"""Share of the horizon without any order from which on scores are warned of."""

LEAST_DAYS = 7
"""A week without any order may be a holiday."""


def check_freshness(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, horizon_days: int, *, allow_stale: bool = False
) -> list[str]:
    """Return a warning when the newest order of the bound `orders` is old at `as_of`; stray dates do not count.

    HistoryError when it is older than the horizon, unless stale orders are allowed: all that should have come since
    is missing, so that every customer looks as if they had left.
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
            "bring newer orders, or an earlier --as-of, or say --allow-stale"
        )
    if age > max(LEAST_DAYS, STALE_SHARE * horizon_days):
        return [f"{age_text}: orders since then are missing, so values are too low and churn is too high"]
    return []
