"""What a run on this machine may take: threads, memory, customers at a time."""

from dataclasses import dataclass

from regulars.batch.pipeline import FEATURE_ROWS
from regulars.scoring.score import REASONS

VECTOR = 2_048
"""Rows that DuckDB takes at a time: whole ones to a shard, and the score file's bytes do not hang on its length."""

LEAST_MB, MOST_MB = 300, 1_500
MOST_MEMORY = f"{MOST_MB}MB"
"""What DuckDB may take, unless more is asked for."""

MOST = 49_152
"""Customers of a shard at most, unless more are asked for."""


@dataclass(frozen=True)
class Resources:
    """What to run on."""

    threads: int
    memory_limit: str | None = None
    """What DuckDB may take before it spills to disk; None asks the input's size."""
    at_once: int = 0
    """Customers that a thread scores at a time; 0 asks their number."""

    reasons: int = REASONS
    """Reasons for each answer of value and churn."""

    def shard_size(self, customers: int) -> int:
        """Return how many of so many customers make a shard: whole vectors, if any.

        Unless said, eight a thread if that is no more than MOST: threads end together, memory stays small, an
        interruption costs little.
        """
        wanted = self.at_once or min(max(customers // (8 * self.threads), FEATURE_ROWS), MOST)
        return wanted if wanted < VECTOR else wanted - wanted % VECTOR


def memory_for(input_bytes: int) -> str:
    """Return four times the input, from 300 MB to 1.5 GB: with less much is written and read twice."""
    return f"{min(max(LEAST_MB, 4 * input_bytes // 1_000_000), MOST_MB)}MB"
