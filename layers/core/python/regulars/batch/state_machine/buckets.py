"""Customers split into buckets by the md5 of their id, each scored as if it were all: no customer's row needs another.

bucket = the first 8 hexadecimal digits of md5(customer_id), modulo the number of buckets
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
    """What became of one bucket's customers."""

    bucket: int
    rows: int
    """Rows of all its tables, as they came from the files."""
    scored: int
    rejected: dict[str, int]
    """Customers without a score, by reason."""
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, object]:
        """Return the part as JSON's types."""
        return asdict(self)


def name(bucket: int) -> str:
    """Name a bucket's folder."""
    return f"bucket={bucket:02d}"


def write_by_bucket(connection: duckdb.DuckDBPyConnection, query: str, out: Path, most: int) -> dict[str, Path]:
    """Write a query's rows to Parquet, one file for each of at most `most` values of its column `bucket`.

    Return the files by value.
    """
    [(threads,)] = connection.execute("select current_setting('threads')").fetchall()
    connection.execute("set threads = 1")  # else each thread writes files of its own
    connection.execute(f"set partitioned_write_max_open_files = {most}")  # else a bucket has files of both halves
    connection.execute(
        f"copy ({query}) to {literal(str(out))} (format parquet, partition_by (bucket), overwrite_or_ignore)"
    )
    connection.execute(f"set threads = {threads}")
    found = {}
    for folder in sorted(out.glob("bucket=*")):
        [found[folder.name.partition("=")[2]]] = folder.glob("*.parquet")
    return found


def split_table(
    connection: duckdb.DuckDBPyConnection, table: str, rows: str, out: Path, buckets: int
) -> tuple[dict[str, Path], int]:
    """Write a relation of a table's rows to one Parquet file a bucket; return the files by bucket, and their rows.

    Only the contract's columns go along: no feature reads another.
    """
    there = {row[0] for row in connection.execute(f"describe select * from {rows}").fetchall()}
    columns = ", ".join(column.lake_name for column in TABLES[table].columns if column.lake_name in there)
    bucket = BUCKET.format(key="customer_id", buckets=buckets)
    pieces = write_by_bucket(connection, f"select {columns}, {bucket} from {rows}", out, buckets)
    return pieces, rows_in(connection, *pieces.values()) if pieces else 0


def complete_lake(lake: Path, info: str) -> None:
    """Make a lake of a bucket's folder: its marker, and a table of orders even where the bucket has none."""
    (lake / MARKER).write_text(info, encoding="utf-8")
    orders = lake / "orders"
    if not orders.exists():
        orders.mkdir(parents=True)
        columns = ", ".join(f"cast(null as {each.lake_type}) as {each.lake_name}" for each in TABLES["orders"].columns)
        with closing(duckdb.connect()) as connection:
            query = f"copy (select {columns} where false) to {literal(str(orders / 'none.parquet'))} (format parquet)"
            connection.execute(query)


@dataclass(frozen=True)
class Bucket:
    """One bucket's customers: their lake, and the rows that it was made of."""

    number: int
    lake: Path
    rows: int


def score_bucket(
    connection: duckdb.DuckDBPyConnection, bucket: Bucket, loader: ModelLoader, as_of: datetime, out: Path, clock: Clock
) -> BucketResult:
    """Score one bucket into `out`: part.parquet, unless nobody there can be scored, and rejects.parquet."""
    try:
        scored, rejected = score_lake(connection, bucket.lake, loader, as_of, out, clock)
    except HistoryError:
        scored, rejected = 0, all_unscored(connection, bucket.lake)
    lines, left = write_rejects(connection, None, out / REJECTS), sum(rejected.values())
    counts = Counts(0, 0, 0, scored + left, scored, left, rejected)
    counts.check(rows_in(connection, out / PART) if scored else 0, lines)
    return BucketResult(bucket.number, bucket.rows, scored, rejected, clock.took)


def sum_results(parts: Sequence[BucketResult]) -> tuple[int, Mapping[str, int]]:
    """Add up the parts: customers scored, and the others by reason."""
    reasons: dict[str, int] = {}
    for part in parts:
        for reason, count in part.rejected.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return sum(part.scored for part in parts), reasons
