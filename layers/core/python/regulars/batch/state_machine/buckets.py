"""Customers split into buckets, each scored alone: a customer's score depends on that customer's rows only.

bucket = first 8 hexadecimal digits of md5(customer_id), modulo the number of buckets
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from regulars.batch.counts import Counts
from regulars.batch.pipeline import PART, REJECTS, rows_in, score_lake
from regulars.batch.rejects import all_unscored, write_rejects
from regulars.batch.resources.clock import Clock
from regulars.data.lake import MARKER
from regulars.data.schema import TABLES
from regulars.data.sql import literal
from regulars.errors import HistoryError
from regulars.models.loader import ModelLoader

BUCKET = "printf('%02d', cast('0x' || left(md5({key}), 8) as bigint) % {buckets}) as bucket"
MOST_BUCKETS = 1000
RESULT = "_result.json"


@dataclass(frozen=True)
class BucketResult:
    """The result of scoring one bucket."""

    bucket: int
    rows: int
    """Rows of all its tables, as read from the files."""
    scored: int
    rejected: dict[str, int]
    """Customers without a score, by reason."""
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON types."""
        return asdict(self)


def name(bucket: int) -> str:
    """Return the name of a bucket's folder."""
    return f"bucket={bucket:02d}"


def write_by_bucket(connection: duckdb.DuckDBPyConnection, query: str, out: Path, most: int) -> dict[str, Path]:
    """Write a query's rows to one Parquet file for each value of its column `bucket`, at most `most` values.

    Return the files by value.
    """
    [(threads,)] = connection.execute("select current_setting('threads')").fetchall()
    connection.execute("set threads = 1")  # with more, each thread writes its own files
    connection.execute(
        f"set partitioned_write_max_open_files = {most}"
    )  # with fewer, DuckDB closes a bucket's file and starts another
    connection.execute(
        f"copy ({query}) to {literal(str(out))} (format parquet, partition_by (bucket), overwrite_or_ignore)"
    )
    connection.execute(f"set threads = {threads}")
    files = {}
    for folder in sorted(out.glob("bucket=*")):
        [files[folder.name.partition("=")[2]]] = folder.glob("*.parquet")
    return files


def split_table(
    connection: duckdb.DuckDBPyConnection, table: str, rows: str, out: Path, buckets: int
) -> tuple[dict[str, Path], int]:
    """Write a table's rows, the relation `rows`, to one Parquet file per bucket; return the files and their total rows.

    Only the contract's columns are kept: features read no others.
    """
    existing = {row[0] for row in connection.execute(f"describe select * from {rows}").fetchall()}
    columns = ", ".join(column.lake_name for column in TABLES[table].columns if column.lake_name in existing)
    bucket = BUCKET.format(key="customer_id", buckets=buckets)
    files = write_by_bucket(connection, f"select {columns}, {bucket} from {rows}", out, buckets)
    return files, rows_in(connection, *files.values()) if files else 0


def complete_lake(lake: Path, info: str) -> None:
    """Turn a bucket's folder into a lake: write its marker, and an empty table of orders if it has none."""
    (lake / MARKER).write_text(info, encoding="utf-8")
    orders = lake / "orders"
    if not orders.exists():
        orders.mkdir(parents=True)
        columns = ", ".join(
            f"cast(null as {column.lake_type}) as {column.lake_name}" for column in TABLES["orders"].columns
        )
        with closing(duckdb.connect()) as connection:
            query = f"copy (select {columns} where false) to {literal(str(orders / 'none.parquet'))} (format parquet)"
            connection.execute(query)


@dataclass(frozen=True)
class Bucket:
    """One bucket: its lake of customers, and the number of rows that it was made from."""

    number: int
    lake: Path
    rows: int


def score_bucket(
    connection: duckdb.DuckDBPyConnection, bucket: Bucket, loader: ModelLoader, as_of: datetime, out: Path, clock: Clock
) -> BucketResult:
    """Write one bucket's part.parquet, unless no customer can be scored, and rejects.parquet to `out`."""
    try:
        scored, rejected = score_lake(connection, bucket.lake, loader, as_of, out, clock)
    except HistoryError:
        scored, rejected = 0, all_unscored(connection, bucket.lake)
    reject_rows, others = write_rejects(connection, None, out / REJECTS), sum(rejected.values())
    counts = Counts(0, 0, 0, scored + others, scored, others, rejected)
    counts.check(rows_in(connection, out / PART) if scored else 0, reject_rows)
    return BucketResult(bucket.number, bucket.rows, scored, rejected, clock.rounded_seconds)


def sum_results(results: Sequence[BucketResult]) -> tuple[int, Mapping[str, int]]:
    """Return the number of customers scored in all buckets, and of the others by reason."""
    reasons: dict[str, int] = {}
    for result in results:
        for reason, count in result.rejected.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return sum(result.scored for result in results), reasons
