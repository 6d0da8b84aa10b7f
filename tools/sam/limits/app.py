"""Two functions that exceed a limit."""

import time
from typing import Any

BYTES = 512 * 1024 * 1024


def greedy(_event: dict[str, Any], _context: Any) -> int:  # noqa: ANN401 - Lambda's own object
    """Use four times the memory that is allowed."""
    return len(b"x" * BYTES)


def slow(_event: dict[str, Any], _context: Any) -> str:  # noqa: ANN401 - Lambda's own object
    """Run longer than is allowed."""
    time.sleep(20)
    return "never said"
