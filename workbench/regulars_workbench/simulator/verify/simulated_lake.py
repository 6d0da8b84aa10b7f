"""A simulated lake together with its truth, for measures. Training must not use this."""

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from regulars.data.lake import read_info
from regulars.errors import LakeError
from regulars_workbench.simulator.clock import DAY_S, Floats
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.worlds import TABLES, TRUTHS, World

SAMPLE = 200_000
"""Customers in measures that need each customer's own numbers. It bounds the memory."""


class SimulatedLake:
    """Views of a lake's tables and truth (`true_customers` and so on), and a sample of customers with their traits."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
        read_info(lake)
        self.world = World.read(lake)
        self.clock = self.world.clock()
        self._connection = connection
        for table in TABLES + TRUTHS:
            files = str(lake / table / "*.parquet").replace("'", "''")
            name = table.replace("truth/", "true_")
            try:
                connection.execute(f"create or replace temp view {name} as select * from read_parquet('{files}')")
            except duckdb.IOException as error:
                raise LakeError(f"{lake / table} has no Parquet file; simulate again") from error
        connection.execute("create or replace temp view sales as select * from orders where not is_return")
        connection.execute(
            "create or replace temp view repeats as select * from sales where order_id not like '%-0001'"
        )

    def columns(self, query: str, **params: object) -> list[Any]:
        """Run a query and return its columns as arrays. `$last` is bound to the last customer of the sample."""
        bound = params | ({"last": f"C{SAMPLE:08}"} if "$last" in query else {})
        return list(self._connection.execute(query, bound).fetchnumpy().values())

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The sampled customers with their truth and the instant of their first order."""
        query = """
            select c.*, t.* exclude (customer_id), f.first
            from customers as c join true_customers as t using (customer_id)
            left join (select customer_id, min(ordered_at) as first from sales group by 1) as f using (customer_id)
            where c.customer_id <= $last order by customer_id
        """
        return pl.DataFrame(self._connection.execute(query, {"last": f"C{SAMPLE:08}"}).fetchnumpy())

    @cached_property
    def people(self) -> People:
        """The sampled customers with their traits."""
        frame = self.frame
        hidden = ("rate", "hazard", "trouble", "engagement", "price_sensitivity", "patience")
        return People(
            ids=frame["customer_id"].str.slice(1),
            channel=self.channel,
            cost=frame["acquisition_cost_cents"].to_numpy(),
            joined=self._days("signed_up_at"),
            leaves=self._days("true_left_at"),
            fade=frame["true_fade_days"].to_numpy(),
            spend=frame["true_spend_cents"].to_numpy(),
            **{name: frame[f"true_{name}"].to_numpy() for name in hidden},
        )

    @cached_property
    def channel(self) -> Any:  # noqa: ANN401 - an array of integers
        """The index of each customer's channel among the shop's channels."""
        names = {name: place for place, (name, _) in enumerate(self.world.shop.channels)}
        return np.array([names[name] for name in self.frame["acquisition_channel"]])

    @cached_property
    def quality(self) -> Floats:
        """The quality of each customer's channel."""
        quality: Floats = np.array([channel.quality for _, channel in self.world.shop.channels])[self.channel]
        return quality

    @cached_property
    def first_order(self) -> Floats:
        """Days from the world's start to each customer's first order; NaN without an order."""
        return self._days("first")

    def around(self, cut: datetime) -> tuple[Floats, Floats]:
        """Return days from the start to each customer's last order before `cut` (or NaN), and orders from `cut` on."""
        query = """
            select customer_id, max(ordered_at) filter (where ordered_at < $cut) as last,
                count(ordered_at) filter (where ordered_at >= $cut) as after
            from customers left join sales using (customer_id) where customer_id <= $last group by 1 order by 1
        """
        [_, last, after] = self.columns(query, cut=cut)
        return self._since(pl.Series(last)), np.asarray(after, dtype=np.float64)

    def _days(self, column: str) -> Floats:
        return self._since(self.frame[column])

    def _since(self, instants: pl.Series) -> Floats:
        seconds = (instants.cast(pl.Datetime("us")) - datetime.combine(self.world.start, datetime.min.time())).dt
        days: Floats = (seconds.total_seconds().cast(pl.Float64) / DAY_S).fill_null(float("nan")).to_numpy()
        return days
