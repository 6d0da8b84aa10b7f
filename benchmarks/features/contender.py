"""What every contender is: a process of its own that is told a lake, an instant and a file, and says what it took."""

import argparse
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from regulars.instants import parse_as_of


class Task(NamedTuple):
    """What a contender is told."""

    lake: Path
    as_of: datetime
    out: Path
    threads: int
    memory_limit: str
    temp: Path

    def files(self, table: str) -> list[str]:
        """Return the Parquet files of one of the lake's tables."""
        return [str(file) for file in sorted((self.lake / table).glob("*.parquet"))]

    @property
    def moment(self) -> datetime:
        """The instant as the lake keeps time: UTC, without saying so."""
        return self.as_of.replace(tzinfo=None)


def told() -> Task:
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
    """Run the steps, one after the other, and print the wall and CPU seconds of each as JSON: the last line said.

    CPU seconds are this process's own; those of a JVM beside it are counted by whoever started both.
    """
    said = []
    for step in steps:
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        said.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    print(json.dumps(said))
