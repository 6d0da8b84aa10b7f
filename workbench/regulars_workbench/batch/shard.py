"""A shard: consecutive customers whose features one thread turns into scores.

NumPy, ONNX Runtime and DuckDB release Python's global lock, so threads share the open models and use all cores.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from regulars.data.paths import parquet
from regulars.data.sql import connect, literal
from regulars.models.loader import ModelLoader
from regulars.scoring.score import score_features

MEMORY = "500MB"
"""DuckDB's memory limit for one shard."""


@dataclass(frozen=True)
class Shard:
    """Customers with `first` <= id < `end`. The last shard has no end."""

    number: int
    first: str
    end: str | None


@dataclass(frozen=True)
class Job:
    """A shard to score, and its models and output file."""

    shard: Shard
    features: Path
    loader: ModelLoader
    as_of: datetime
    reasons: int
    out: Path


def score_shard(job: Job) -> int:
    """Score a shard into its file, written atomically; return the number of customers."""
    condition = f"customer_id >= {literal(job.shard.first)}"
    if job.shard.end is not None:
        condition += f" and customer_id < {literal(job.shard.end)}"
    with closing(connect(MEMORY, 1)) as connection:
        connection.execute(f"create temp view shard as select * from {parquet([job.features])} where {condition}")
        return score_features(connection, "shard", job.loader, job.as_of, job.out, job.reasons)


def score_shards(jobs: Sequence[Job], threads: int) -> Iterator[int]:
    """Score the shards in parallel; yield the number of customers of each as it is finished."""
    if threads <= 1:
        yield from map(score_shard, jobs)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for future in as_completed([pool.submit(score_shard, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # after a failure or Ctrl-C, finish only the running jobs
