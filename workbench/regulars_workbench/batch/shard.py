"""A shard of customers on its way from features to scores: one thread's work at a time.

NumPy, ONNX Runtime and DuckDB compute outside Python's lock, so threads share the open models and all cores are busy.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from regulars.data.paths import parquet
from regulars.data.sql import connect, literal
from regulars.models.loader import ModelLoader
from regulars.scoring.score import score_features

MEMORY = "500MB"
"""What DuckDB may take for one shard."""


@dataclass(frozen=True)
class Shard:
    """Customers from `first` on to before `end`, in the order of their ids; the last one has no end."""

    number: int
    first: str
    end: str | None


@dataclass(frozen=True)
class Job:
    """A shard to score."""

    shard: Shard
    features: Path
    loader: ModelLoader
    as_of: datetime
    reasons: int
    out: Path


def score_shard(job: Job) -> int:
    """Score a shard into its file, which appears whole or not at all; return the customers."""
    inside = f"customer_id >= {literal(job.shard.first)}"
    if job.shard.end is not None:
        inside += f" and customer_id < {literal(job.shard.end)}"
    with closing(connect(MEMORY, 1)) as connection:
        connection.execute(f"create temp view shard as select * from {parquet([job.features])} where {inside}")
        return score_features(connection, "shard", job.loader, job.as_of, job.out, job.reasons)
