"""The time that a function has left: asked between stages, and enforced within a query, so that nothing is killed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from regulars.batch.resources.limits import ADVICE
from regulars.errors import RegularsError

RESERVE_S = 20.0
"""Seconds kept to write or to say why not."""


class OverdueError(RegularsError):
    """The function's time would have run out."""

    status = 504


class Clock:
    """Counts down to RESERVE_S before the function's end; without Lambda's context there is no end.

    `seconds` holds what each stage took.
    """

    def __init__(self, context: Any = None, advice: str = ADVICE) -> None:  # noqa: ANN401 - Lambda's own object
        left = getattr(context, "get_remaining_time_in_millis", None)
        self._end = time.monotonic() + left() / 1000 - RESERVE_S if left else None
        self.seconds: dict[str, float] = {}
        self.stage_name = "start"
        self._way_out = advice

    @property
    def left(self) -> float | None:
        """Return the seconds left; None when there is no end."""
        return None if self._end is None else self._end - time.monotonic()

    @property
    def took(self) -> dict[str, float]:
        """Return the seconds of each stage, to the thousandth."""
        return {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}

    def check(self) -> None:
        """Raise OverdueError when no time is left."""
        if self.left is not None and self.left <= 0:
            raise self._overdue()

    @contextmanager
    def stage(self, name: str, connection: duckdb.DuckDBPyConnection | None = None) -> Iterator[None]:
        """Time a stage, and interrupt the connection's query when time is up: OverdueError."""
        self.stage_name = name
        self.check()
        begun, fired = time.perf_counter(), threading.Event()
        timer = self._timer(connection, fired)
        try:
            yield
        except (duckdb.InterruptException, KeyboardInterrupt, RuntimeError) as error:
            # What ingest and DuckDB make of an interrupted query.
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
        during = f"the function's time ran out during {self.stage_name}"
        return OverdueError(f"{during}; give it more memory; {self._way_out}")
