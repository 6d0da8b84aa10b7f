"""What a run on this machine may take: threads, memory, customers at a time."""

from dataclasses import dataclass

from regulars.batch.work import TOGETHER
from regulars.scoring.score import REASONS

VECTOR = 2_048
"""Rows that DuckDB takes at a time: whole ones to a stretch, and the score file's bytes do not hang on its length."""

LEAST_MB, MOST_MB = 300, 1_500
MOST_MEMORY = f"{MOST_MB}MB"
"""What DuckDB may take, unless more is asked for."""

MOST = 49_152
"""Customers of a stretch at most, unless more are asked for."""


@dataclass(frozen=True)
class Plan:
    """What to run on."""

    threads: int
    memory_limit: str | None = None
    """What DuckDB may take before it spills to disk; None asks the input's size."""
    at_once: int = 0
    """Customers that a thread scores at a time; 0 asks their number."""

    reasons: int = REASONS
    """Reasons for each answer of value and churn."""

    def stretch(self, customers: int) -> int:
        """Return how many of so many customers make a stretch: whole vectors, if any.

        Unless said, eight a thread if that is no more than MOST: threads end together, memory stays small, an
        interruption costs little.
        """
        wanted = self.at_once or min(max(customers // (8 * self.threads), TOGETHER), MOST)
        return wanted if wanted < VECTOR else wanted - wanted % VECTOR


def memory_for(input_bytes: int) -> str:
    """Return four times the input, from 300 MB to 1.5 GB: with less much is written and read twice."""
    return f"{min(max(LEAST_MB, 4 * input_bytes // 1_000_000), MOST_MB)}MB"
