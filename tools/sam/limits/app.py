"""What oversteps a limit."""

import time
from typing import Any

MANY = 512 * 1024 * 1024


def greedy(_event: dict[str, Any], _context: Any) -> int:  # noqa: ANN401 - Lambda's own object
    """Take four times the memory that is allowed."""
    return len(b"x" * MANY)


def slow(_event: dict[str, Any], _context: Any) -> str:  # noqa: ANN401 - Lambda's own object
    """Take longer than is allowed."""
    time.sleep(20)
    return "never said"
