"""Hold a simulated lake against what was asked for: `regulars simulate --check LAKE`."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from training.world.measures import ALL, Measure
from training.world.sight import Sight


def check(
    connection: duckdb.DuckDBPyConnection, lake: Path, progress: Callable[[str], None] = lambda _: None
) -> list[Measure]:
    """Measure a simulated lake against its own description; LakeError when it was not simulated."""
    sight = Sight(connection, lake)
    found: list[Measure] = []
    for measure in ALL:
        progress(measure.__name__)
        found += measure(sight)
    return found
