"""Does a control group recover the truth? `python benchmarks/measure_seeds.py [SEEDS]` (default 100).

Each seed makes a shop: customers with gamma-distributed rates and lognormal order values, an action that adds orders to
some and takes orders from others, and a plan with 10 % held out by stratum. `regulars measure` sees only plan and
orders. The result is the number of seeds in which the 95 % interval contains the true mean effect on treated
customers, for orders and for money, plain and adjusted.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from regulars.data import lake as lakes
from regulars.data.sql import SqlFolder, connect
from regulars_workbench.measure.measure import measure
from regulars_workbench.measure.plan_file import read_plan_file

CUSTOMERS, HORIZON, HELD_OUT = 10_000, 60, 0.1
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
SQL = SqlFolder(Path(__file__).resolve().parents[1] / "sql")


def shop(seed: int, folder: Path) -> tuple[float, float]:
    """Write a lake and a plan; return the true mean effect on the treated, orders and money."""
    rng = np.random.default_rng(seed)
    rate, level = rng.gamma(0.8, 1.5, CUSTOMERS), 2_000 * np.exp(0.8 * rng.standard_normal(CUSTOMERS))
    stratum = np.digitize(rate, np.quantile(rate, (0.25, 0.5, 0.75)))
    effect = np.where(rng.random(CUSTOMERS) < 0.3, 0.3, 0.0) - np.where(rate > 2, 0.05 * rate, 0.0)  # noqa: PLR2004 - an invented effect
    held = np.zeros(CUSTOMERS, dtype=bool)
    for code in np.unique(stratum):
        who = np.flatnonzero(stratum == code)
        held[rng.permutation(who)[: round(HELD_OUT * len(who))]] = True
    means = (rate, np.maximum(rate + np.where(held, 0.0, effect), 0.0))
    effect = np.maximum(rate + effect, 0.0) - rate
    frames = []
    for start, mean in zip((-HORIZON, 0), means, strict=True):
        who = np.repeat(np.arange(CUSTOMERS), rng.poisson(mean))
        seconds = (rng.random(len(who)) * HORIZON + start) * 86_400
        value = level[who] * np.exp(0.4 * rng.standard_normal(len(who)) - 0.08)
        frames.append(pl.DataFrame({"who": who, "second": seconds.astype(np.int64), "value": value.astype(np.int64)}))
    orders = pl.concat(frames).select(
        ("C" + pl.col("who").cast(pl.String)).alias("customer_id"),
        (pl.lit(MADE_AT.replace(tzinfo=None)) + pl.duration(seconds=pl.col("second")))
        .cast(pl.Datetime("us"))
        .alias("ordered_at"),
        pl.col("value").alias("order_value_cents"),
        pl.lit(value=False).alias("is_return"),
    )
    last = MADE_AT.replace(tzinfo=None) + timedelta(days=HORIZON)
    closing = pl.DataFrame(
        {"customer_id": ["none"], "ordered_at": [last], "order_value_cents": [100], "is_return": [False]}
    )
    (folder / "orders").mkdir()
    pl.concat([orders, closing.cast(orders.schema)]).write_parquet(folder / "orders" / "part.parquet")
    with connect("1GB", 1) as connection:
        lakes.finish(connection, folder, "EUR", 2)
    pl.DataFrame(
        {
            "customer_id": [f"C{number}" for number in range(CUSTOMERS)],
            "action": "voucher",
            "arm": np.where(held, "control", "treated"),
            "stratum": stratum.astype(str),
            "cost": np.where(held, 0.0, 1.0),
            "as_of": MADE_AT.replace(tzinfo=None),
            "horizon_days": HORIZON,
        }
    ).write_parquet(folder / "plan.parquet")
    return float(effect[~held].mean()), float((effect * level)[~held].mean()) / 100


def main(seeds: int) -> None:
    """Measure each seed's plan, and print how many intervals contain the truth."""
    names = ("orders", "orders_adjusted", "value", "value_adjusted")
    held, width = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0)
    for seed in range(seeds):
        with TemporaryDirectory() as name, connect("1GB", 1) as connection:
            folder = Path(name)
            orders, money = shop(seed, folder)
            plan = read_plan_file(folder / "plan.parquet")
            [effect] = measure(connection, plan, folder, SQL, as_of=MADE_AT + timedelta(days=HORIZON), margin=0.4)
        for what in names:
            lift = getattr(effect, what)
            held[what] += lift.low <= (orders if what.startswith("orders") else money) <= lift.high
            width[what] += (lift.high - lift.low) / seeds
    table = Table("lift", "intervals with the truth", "mean width", title=f"{seeds} seeds, {CUSTOMERS:,} customers")
    for what in names:
        table.add_row(what, f"{held[what]} of {seeds}", f"{width[what]:.3f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
