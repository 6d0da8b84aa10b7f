"""A small shop for planted defects: a query over the lake replaces a table."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from regulars.data import lake as lakes
from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder, connect
from regulars_workbench.check.report import CheckReport
from regulars_workbench.check.run import check
from regulars_workbench.simulator.simulate import simulate

AS_OF = datetime(2025, 7, 1, tzinfo=UTC)
"""The end of the small shop."""


def small_shop(lake: Path) -> None:
    """Make two years of about 580 customers. Each has ordered, and none has a large share of the revenue."""
    simulate(lake, customers=600, years=2, seed=11)
    kept = """(select customer_id from orders where not is_return group by 1
        having sum(order_value_cents) < 0.05 * (select sum(order_value_cents) from orders where not is_return))"""
    for table in ("customers", "events", "treatments", "orders"):
        rewrite(lake, table, f"from {table} where customer_id in {kept}")


def rewrite(lake: Path, table: str, query: str) -> None:
    """Replace a table of a lake by the result of a query over the lake."""
    with connect("1GB", 1) as connection:
        for name in TABLES:
            connection.execute(f"create view {name} as from read_parquet('{lake}/{name}/*.parquet')")
        connection.execute(f"copy ({query}) to '{lake}/new.parquet' (format parquet)")
        for file in (lake / table).iterdir():
            file.unlink()
        (lake / "new.parquet").rename(lake / table / "part.parquet")
        info = lakes.read_info(lake)
        lakes.finish(connection, lake, info.currency, info.minor_units)


def copied(shop: Path, lake: Path) -> Path:
    """Copy a lake, replacing what is there."""
    shutil.rmtree(lake, ignore_errors=True)
    return Path(shutil.copytree(shop, lake))


def checked(lake: Path, sql: SqlFolder, horizon: int = 90, as_of: datetime | None = None) -> CheckReport:
    """Return the report on a lake."""
    with connect("1GB", 1) as connection:
        return check(connection, lake, sql, horizon_days=horizon, as_of=as_of)[0]
