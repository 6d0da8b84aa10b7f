"""The frame of a contender: its own process, which gets a lake, an instant and a file, and prints its times."""

import argparse
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from regulars.instants import parse_as_of


class Task(NamedTuple):
    """The arguments of a contender."""

    lake: Path
    as_of: datetime
    out: Path
    threads: int
    memory_limit: str
    temp: Path

    def files(self, table: str) -> list[str]:
        """Return the Parquet files of a table of the lake."""
        return [str(file) for file in sorted((self.lake / table).glob("*.parquet"))]

    @property
    def moment(self) -> datetime:
        """The instant in the lake's form: UTC without a time zone."""
        return self.as_of.replace(tzinfo=None)


def arguments() -> Task:
    """Read the process's arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("lake", type=Path)
    parser.add_argument("--as-of", type=parse_as_of, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="4GB")
    parser.add_argument("--temp", type=Path, required=True)
    return Task(**vars(parser.parse_args()))


def contend(*steps: Callable[[], object]) -> None:
    """Run the steps in order; print wall and CPU seconds of each as JSON, in the last line of the output.

    CPU seconds are of this process only; the parent process counts those of a JVM.
    """
    seconds = []
    for step in steps:
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        seconds.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    print(json.dumps(seconds))
