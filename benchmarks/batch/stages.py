"""Seconds of each stage on one thread: features, each model without and with reasons, the file.

`python -m benchmarks.batch.stages LAKE BUNDLE AS_OF`; prints JSON.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from regulars.data.lake import attach
from regulars.data.sql import connect
from regulars.instants import parse_as_of
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.models.tasks import TASKS
from regulars.scoring.score import features_of, score

lake, bundle, moment = Path(sys.argv[1]), Path(sys.argv[2]), parse_as_of(sys.argv[3])
seconds: dict[str, float] = {}


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Time a stage."""
    begun = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - begun


with TemporaryDirectory() as folder, connect("1GB", 1, Path(folder) / "spill") as connection:
    loader = ModelLoader(Bundle(bundle))
    with timed("open"):
        for task in TASKS:
            loader[task]  # a lookup opens it
    attach(connection, lake)
    with timed("features"):
        table = features_of(connection, loader, moment)
    for task in TASKS:
        with timed(task):
            loader[task].predict(table, 0)
        with timed(f"{task} with reasons"):
            loader[task].predict(table, 3)
    with timed("all, blocks, file"):
        seconds["customers"] = score(connection, lake, loader, moment, Path(folder) / "part.parquet")
sys.stdout.write(json.dumps(seconds))
