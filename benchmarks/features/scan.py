"""The lower bound: DuckDB reads every value that the features need from the lake's Parquet."""

import duckdb

from benchmarks.features.contender import Task, arguments, contend

READ = {
    "orders": ("ordered_at", "order_value_cents", "is_return", "discount_cents", "margin_cents"),
    "customers": ("signed_up_at", "acquisition_cost_cents"),
    "events": ("occurred_at", "kind"),
}


def scan(task: Task) -> None:
    """Read each column once, with ids; `max` forces DuckDB to decode each value."""
    with duckdb.connect(config={"threads": task.threads, "preserve_insertion_order": False}) as connection:
        for table, columns in READ.items():
            read = ", ".join(f"max({column})" for column in ("customer_id", *columns))
            connection.execute(f"select {read} from read_parquet({task.files(table)})").fetchall()


if __name__ == "__main__":
    task = arguments()
    contend(lambda: scan(task))
