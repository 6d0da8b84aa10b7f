"""Rows a second of `regulars simulate`, plain NumPy and lifetimes: `python benchmarks/simulate.py`.

lifetimes is not a dependency of this project. Install it in a separate environment, and give its Python:

    python3 -m venv /tmp/lifetimes && /tmp/lifetimes/bin/pip install lifetimes
    python benchmarks/simulate.py --peer /tmp/lifetimes/bin/python

Without it, that line is skipped with a message. Each contestant is a new process, with start-up. The slow peer gets
fewer customers, and all three are also measured on that number.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import duckdb
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]

NUMPY = """
import sys
import numpy as np, polars as pl
count, out = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(1)
joined = rng.uniform(0, 1095, count)
until = np.minimum(joined + 365 * rng.exponential(size=count) / np.maximum(rng.gamma(1, 1, count), 1e-9), 1095)
level = 1800 * (rng.pareto(1.4, count) + 1)
def process(rate, end):
    who = np.repeat(np.arange(count), rng.poisson(rate / 365 * (end - joined)))
    when = rng.uniform(joined[who], end[who])
    order = np.lexsort((when, who))
    return who[order], when[order]
def stamps(when):
    return pl.Series((when * 86_400e6).astype(np.int64)).cast(pl.Datetime("us"))
who, when = process(rng.gamma(1.1, 21 / 1.1, count), until)
value = np.rint(level[who] * rng.lognormal(0, 0.45, len(who))).astype(np.int64)
orders = pl.DataFrame({"customer_id": who, "ordered_at": stamps(when), "order_value_cents": value})
orders.write_parquet(out + "/orders.parquet")
del orders, value
who, when = process(np.full(count, 8.5), np.full(count, 1095.0))
kind = rng.integers(0, 5, len(who), dtype=np.int8)
pl.DataFrame({"customer_id": who, "occurred_at": stamps(when), "kind": kind}).write_parquet(out + "/events.parquet")
"""
"""The same number of rows without loops: integer ids, no season, discount, return, campaign or truth."""

LIFETIMES = """
import sys
import numpy as np
from lifetimes.generate_data import pareto_nbd_model
np.random.seed(1)
ages = np.random.uniform(0, 1095, int(sys.argv[1]))
made = pareto_nbd_model(ages, 1.1, 1.1 * 365 / 21, 1.0, 365.0, size=len(ages))
print(int(made["frequency"].sum()) + len(made))
"""
"""Its Pareto/NBD generator draws every order, but keeps only a summary of each customer."""


class Run(NamedTuple):
    """One contestant's run: wall and CPU seconds, peak resident memory in MB, rows made."""

    wall: float
    cpu: float
    peak: float
    rows: int


def measured(command: list[str]) -> tuple[float, float, float, str]:
    """Run a command; return wall seconds, CPU seconds, peak memory in MB, and its output."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:  # noqa: S603 - our own commands
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed with status {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def rows_of(pattern: str) -> int:
    """Count the rows of Parquet files."""
    return int(duckdb.sql(f"select count(*) from read_parquet('{pattern}', union_by_name = true)").fetchall()[0][0])


def regulars(customers: int, folder: str) -> Run:
    """Make a lake with truth and campaigns; only rows of orders and events are counted."""
    command = [sys.executable, "-m", "regulars", "simulate", f"{folder}/lake", "--customers", str(customers)]
    wall, cpu, peak, _ = measured(command)
    return Run(wall, cpu, peak, sum(rows_of(f"{folder}/lake/{table}/*.parquet") for table in ("orders", "events")))


def plain(customers: int, folder: str) -> Run:
    """Draw and write the same number of rows by plain NumPy."""
    wall, cpu, peak, _ = measured([sys.executable, "-c", NUMPY, str(customers), folder])
    return Run(wall, cpu, peak, sum(rows_of(f"{folder}/{table}.parquet") for table in ("orders", "events")))


def lifetimes(customers: int, python: str) -> Run:
    """Draw the orders of the same number of customers by lifetimes; nothing is written."""
    wall, cpu, peak, output = measured([python, "-c", LIFETIMES, str(customers)])
    return Run(wall, cpu, peak, int(output))


def compare(console: Console, customers: int, python: str | None) -> None:
    """Measure all contestants on the same number of customers, and print a table."""
    with TemporaryDirectory() as folder:
        runs = {"regulars simulate": regulars(customers, folder), "plain NumPy, at once": plain(customers, folder)}
        if python:
            runs["lifetimes, orders only"] = lifetimes(customers, python)
    base = runs["regulars simulate"]
    table = Table(title=f"{customers:,} customers", title_justify="left")
    for head in ("contestant", "rows", "wall s", "CPU s", "peak MB", "rows/s", "time a row / regulars"):
        table.add_column(head, justify="left" if head == "contestant" else "right")
    for name, run in runs.items():
        ratio = run.wall / run.rows / (base.wall / base.rows)
        cells = (f"{run.rows:,}", f"{run.wall:.1f}", f"{run.cpu:.1f}", f"{run.peak:,.0f}")
        table.add_row(name, *cells, f"{run.rows / run.wall:,.0f}", f"{ratio:.2f}")
    console.print(table)


def has_lifetimes(console: Console, python: str | None) -> bool:
    """Return whether the peer can run; print the reason when it cannot."""
    if python is None:
        console.print("lifetimes is skipped: no --peer; see the head of this file for how to install it")
        return False
    result = subprocess.run([python, "-c", "import lifetimes"], capture_output=True, check=False)  # noqa: S603 - our own command
    if result.returncode:
        console.print(f"lifetimes is skipped: {python} cannot import it; pip install lifetimes there")
    return not result.returncode


def main() -> None:
    """Read the arguments and compare."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--customers", type=int, default=1_000_000)
    arguments.add_argument("--peer", help="Python of an environment that has lifetimes")
    arguments.add_argument("--peer-customers", type=int, default=20_000)
    options = arguments.parse_args()
    console = Console(width=120)
    compare(console, options.customers, None)
    if has_lifetimes(console, options.peer):
        compare(console, options.peer_customers, options.peer)


if __name__ == "__main__":
    main()
