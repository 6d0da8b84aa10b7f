"""Measure a simulated lake against its description: `regulars simulate --check LAKE`."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from regulars_workbench.simulator.verify.measures import Measure, churn, pareto, responses, seasons, tenure, traits
from regulars_workbench.simulator.verify.rules import broken, goods
from regulars_workbench.simulator.verify.simulated_lake import SimulatedLake

ALL = (pareto, seasons, traits, tenure, churn, responses, goods, broken)


def check(
    connection: duckdb.DuckDBPyConnection, folder: Path, progress: Callable[[str], None] = lambda _: None
) -> list[Measure]:
    """Measure a simulated lake against its own description. LakeError: it was not simulated."""
    lake = SimulatedLake(connection, folder)
    measures: list[Measure] = []
    for measure in ALL:
        progress(measure.__name__)
        measures += measure(lake)
    return measures
