"""The lakes of the contenders: as simulated, a smaller one, one with integer ids, one sorted by time."""

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl

from regulars.data.sql import connect

ROOT = Path(__file__).parents[2]
TIMES = {"orders": "ordered_at", "events": "occurred_at", "customers": "signed_up_at"}


def simulated(folder: Path, customers: int) -> Path:
    """Return a simulated lake; it is made when missing."""
    if not (folder / "lake.json").exists():
        command = ["simulate", str(folder), "--customers", str(customers), "--years", "3", "--seed", "7"]
        subprocess.run([sys.executable, "-m", "regulars", *command], cwd=ROOT, check=True)  # noqa: S603 - our own
    return folder


def integer_ids(lake: Path, folder: Path) -> Path:
    """Return the lake with the digits of its text ids as BIGINT, with the same files as the simulator writes."""
    for table in TIMES:
        (folder / table).mkdir(parents=True, exist_ok=True)
        for file in sorted((lake / table).glob("*.parquet")):
            ids = pl.col("customer_id").str.extract(r"(\d+)").cast(pl.Int64)
            if not (folder / table / file.name).exists():
                frame = pl.read_parquet(file).with_columns(ids)
                frame.write_parquet(folder / table / file.name, compression_level=1)
    return folder


def by_time(lake: Path, folder: Path) -> Path:
    """Return the lake with the rows of each table sorted by time, in one file, like a shop's log."""
    if (folder / "lake.json").exists():
        return folder
    with connect("4GB", 2, folder / "spill") as connection:
        connection.execute("set preserve_insertion_order = true")
        for table, time in TIMES.items():
            (folder / table).mkdir(parents=True, exist_ok=True)
            _sorted(connection, lake / table, time, folder / table / "part-0.parquet")
    (folder / "lake.json").write_bytes((lake / "lake.json").read_bytes())
    return folder


def _sorted(connection: duckdb.DuckDBPyConnection, source: Path, time: str, out: Path) -> None:
    query = f"select * from read_parquet('{source}/*.parquet') order by {time}"
    connection.execute(f"copy ({query}) to '{out}' (format parquet, compression zstd, compression_level 1)")
