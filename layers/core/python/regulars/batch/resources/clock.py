"""The time that the function has left: checked between stages, and enforced within a query, so Lambda kills nothing."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from regulars.batch.resources.limits import ADVICE
from regulars.errors import RegularsError

RESERVE_S = 20.0
"""Seconds reserved for writing the result or the error."""


class OverdueError(RegularsError):
    """The function has no time left for the rest of the work."""

    status = 504


class Clock:
    """Counts down to RESERVE_S before the function's timeout; without Lambda's context there is no timeout.

    `seconds` holds the duration of each stage.
    """

    def __init__(self, context: Any = None, advice: str = ADVICE) -> None:  # noqa: ANN401 - Lambda's own object
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        self._end = time.monotonic() + remaining() / 1000 - RESERVE_S if remaining else None
        self.seconds: dict[str, float] = {}
        self.stage_name = "start"
        self._advice = advice

    @property
    def left(self) -> float | None:
        """The seconds left; None without a timeout."""
        return None if self._end is None else self._end - time.monotonic()

    @property
    def rounded_seconds(self) -> dict[str, float]:
        """The seconds of each stage, rounded to milliseconds."""
        return {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}

    def check(self) -> None:
        """Raise OverdueError when no time is left."""
        if self.left is not None and self.left <= 0:
            raise self._overdue()

    @contextmanager
    def stage(self, name: str, connection: duckdb.DuckDBPyConnection | None = None) -> Iterator[None]:
        """Measure a stage; when time runs out, interrupt the connection's query and raise OverdueError."""
        self.stage_name = name
        self.check()
        begun, fired = time.perf_counter(), threading.Event()
        timer = self._timer(connection, fired)
        try:
            yield
        except (duckdb.InterruptException, KeyboardInterrupt, RuntimeError) as error:
            # An interrupted query raises any of these, depending on where it was.
            if fired.is_set():
                raise self._overdue() from error
            raise
        finally:
            if timer:
                timer.cancel()
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun
        self.check()

    def _timer(self, connection: duckdb.DuckDBPyConnection | None, fired: threading.Event) -> threading.Timer | None:
        if connection is None or self.left is None:
            return None

        def interrupt() -> None:
            fired.set()
            connection.interrupt()

        timer = threading.Timer(max(self.left, 0.001), interrupt)
        timer.daemon = True
        timer.start()
        return timer

    def _overdue(self) -> OverdueError:
        return OverdueError(f"the function ran out of time in {self.stage_name}; give it more memory; {self._advice}")
