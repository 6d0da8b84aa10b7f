"""Customers split into buckets by the md5 of their id, each scored as if it were all: no customer's row needs another.

bucket = the first 8 hexadecimal digits of md5(customer_id), modulo the number of buckets
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from regulars.batch.balance import Counts
from regulars.batch.clock import Clock
from regulars.batch.work import PART, REJECTS, nobody, rows_in, score_lake, write_rejects
from regulars.errors import HistoryError
from regulars.globs import parquet
from regulars.lake import MARKER
from regulars.loader import ModelLoader
from regulars.schema import TABLES
from regulars.sql import connect, literal

SPLIT = ("orders", "customers", "events")
"""The tables that scores are made of."""

BUCKET = "cast('0x' || left(md5(customer_id), 8) as bigint)"
RESULT = "_result.json"


@dataclass(frozen=True)
class Part:
    """What became of one bucket's customers."""

    bucket: int
    scored: int
    rejected: dict[str, int]
    """Customers without a score, by reason."""
    seconds: dict[str, float]

    def said(self) -> dict[str, object]:
        """Return the part as JSON's types."""
        return asdict(self)


def name(bucket: int) -> str:
    """Name a bucket's folder."""
    return f"bucket={bucket:02d}"


def split(
    connection: duckdb.DuckDBPyConnection, table: str, files: Sequence[Path], out: Path, buckets: int, stem: str
) -> list[int]:
    """Write the rows of a table's Parquet files to `out`/bucket=NN/`table`/`stem`_*.parquet; return the buckets met.

    Only the contract's columns go along: no feature reads another.
    """
    source = parquet(files)
    there = {row[0] for row in connection.execute(f"describe select * from {source}").fetchall()}
    columns = ", ".join(column.lake_name for column in TABLES[table].columns if column.lake_name in there)
    query = f"select {columns}, printf('%02d', {BUCKET} % {buckets}) as bucket from {source}"
    folder = out / f".{table}-{stem}"
    out.mkdir(exist_ok=True)
    connection.execute(f"set partitioned_write_max_open_files = {buckets}")  # else a bucket has files of both halves
    connection.execute(
        f"copy ({query}) to {literal(str(folder))} "
        f"(format parquet, partition_by (bucket), overwrite_or_ignore, filename_pattern {literal(f'{stem}_{{i}}')})"
    )
    met = sorted(folder.glob("bucket=*"))
    for each in met:
        target = out / each.name / table
        target.mkdir(parents=True, exist_ok=True)
        for file in each.glob("*.parquet"):
            file.rename(target / file.name)
        each.rmdir()
    folder.rmdir()
    return [int(each.name.partition("=")[2]) for each in met]


def complete(lake: Path, info: str) -> None:
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
class Engine:
    """What DuckDB may take."""

    memory_limit: str
    threads: int


def score_bucket(  # noqa: PLR0913 - all that one bucket needs
    bucket: int, lake: Path, loader: ModelLoader, as_of: datetime, out: Path, *, engine: Engine, clock: Clock
) -> Part:
    """Score one bucket's lake into `out`: part.parquet, unless nobody there can be scored, and rejects.parquet."""
    with closing(connect(engine.memory_limit, engine.threads, out / "spill")) as connection:
        try:
            scored, rejected = score_lake(connection, lake, loader, as_of, out, clock)
        except HistoryError:
            scored, rejected = 0, nobody(connection, lake)
        lines, left = write_rejects(connection, None, out / REJECTS), sum(rejected.values())
        counts = Counts(0, 0, 0, scored + left, scored, left, rejected)
        counts.check(rows_in(connection, out / PART) if scored else 0, lines)
    return Part(bucket, scored, rejected, {key: round(value, 3) for key, value in clock.seconds.items()})


def summed(parts: Sequence[Part]) -> tuple[int, Mapping[str, int]]:
    """Add up the parts: customers scored, and the others by reason."""
    reasons: dict[str, int] = {}
    for part in parts:
        for reason, count in part.rejected.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return sum(part.scored for part in parts), reasons
