"""Resources of a run on this machine: threads, memory, customers per shard."""

from dataclasses import dataclass

from regulars.batch.pipeline import FEATURE_ROWS
from regulars.scoring.score import REASONS

VECTOR = 2_048
"""Rows in a DuckDB vector. A shard is whole vectors, so that the score file's bytes do not depend on its size."""

LEAST_MB, MOST_MB = 300, 1_500
MOST_MEMORY = f"{MOST_MB}MB"
"""DuckDB's largest automatic memory limit."""

MOST = 49_152
"""Largest automatic shard, in customers."""


@dataclass(frozen=True)
class Resources:
    """Threads, memory and shard size of a run."""

    threads: int
    memory_limit: str | None = None
    """DuckDB's memory limit before it spills to disk; None chooses by the input's size."""
    at_once: int = 0
    """Customers per shard; 0 chooses automatically."""

    reasons: int = REASONS
    """Reasons per prediction of value and churn."""

    def shard_size(self, customers: int) -> int:
        """Return the number of customers per shard, rounded down to whole vectors.

        Automatic: eight shards per thread, at most MOST customers each. So threads end together, memory stays small,
        and an interruption loses little.
        """
        size = self.at_once or min(max(customers // (8 * self.threads), FEATURE_ROWS), MOST)
        return size if size < VECTOR else size - size % VECTOR


def memory_for(input_bytes: int) -> str:
    """Return four times the input's size, from 300 MB to 1.5 GB: with less, DuckDB spills much to disk."""
    return f"{min(max(LEAST_MB, 4 * input_bytes // 1_000_000), MOST_MB)}MB"
