"""The reference, `reference.sql`: one fast statement for DuckDB alone."""

from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks.features.contender import Task, arguments, contend

STATEMENT = (Path(__file__).parent / "reference.sql").read_text(encoding="utf-8")
WINDOWS = (365, 275, 185, 180, 90, 30, 0)
TABLES = ("orders", "customers", "events")


def features(task: Task) -> None:
    """From the lake to the file."""
    statement = STATEMENT
    for days in WINDOWS:
        statement = statement.replace(f"$d{days}", f"timestamp '{task.moment - timedelta(days=days)}'")
    for table in TABLES:
        statement = statement.replace(f"${table}", str(task.files(table)))
    with duckdb.connect(config={"threads": task.threads, "preserve_insertion_order": False}) as connection:
        connection.execute(f"copy ({statement}) to '{task.out}' (format parquet)")


if __name__ == "__main__":
    task = arguments()
    contend(lambda: features(task))
