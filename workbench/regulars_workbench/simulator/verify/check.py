"""Hold a simulated lake against what was asked for: `regulars simulate --check LAKE`."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from regulars_workbench.simulator.verify.measures import Measure, churn, pareto, responses, seasons, tenure, traits
from regulars_workbench.simulator.verify.rules import broken, goods
from regulars_workbench.simulator.verify.sight import Sight

ALL = (pareto, seasons, traits, tenure, churn, responses, goods, broken)


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
