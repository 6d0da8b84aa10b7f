"""Compare the measured numbers with the targets, and print them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.features.process import Run

OURS, FEWER, TIMED = "Regulars", "Regulars, 100 k customers", "Regulars, rows by time"
SCAN, REFERENCE = "scan of the columns", "reference, one DuckDB statement"
POLARS, SPARK, PANDAS = "Polars streaming", "PySpark local[2], warm", "pandas, 100 k customers"
INTEGERS, TIMED_POLARS = "reference, integer ids", "Polars streaming, rows by time"
RATIOS = (
    (OURS, REFERENCE, "<=", 1.2),
    (OURS, SCAN, "<=", 10.0),
    (POLARS, OURS, ">=", 2.0),
    (SPARK, OURS, ">=", 5.0),
    (PANDAS, FEWER, ">=", 3.0),
    (REFERENCE, INTEGERS, "", 0.0),
    (TIMED_POLARS, TIMED, "", 0.0),
)
"""Numerator, denominator, and target; a ratio without target is for information."""
ONLINE_MS = 15


@dataclass(frozen=True)
class Verdict:
    """A ratio by wall and by CPU seconds, and its target."""

    what: str
    wall: float
    cpu: float | None
    target: str
    met: bool | None


def _verdict(what: str, wall: float, cpu: float | None, sign: str, limit: float) -> Verdict:
    if not sign:
        return Verdict(what, wall, cpu, "-", None)
    return Verdict(what, wall, cpu, f"{sign} {limit:g}", wall <= limit if sign == "<=" else wall >= limit)


def evaluate(runs: Mapping[str, list[Run]], requests: list[dict[str, float]]) -> list[Verdict]:
    """Compare wall seconds from the lake to the file, of the fastest run of each contender.

    CPU seconds are of whole processes; Spark has none, since it starts a JVM and runs twice.
    """
    verdicts = []
    for above, below, sign, limit in RATIOS:
        if above in runs and below in runs:
            wall = _least(runs[above], "work_s") / _least(runs[below], "work_s")
            cpu = None if above == SPARK else _least(runs[above], "cpu_s") / _least(runs[below], "cpu_s")
            verdicts.append(_verdict(f"{above} / {below}", wall, cpu, sign, limit))
    single = requests[0]
    return [
        *verdicts,
        _verdict("one customer online, median ms", single["median_ms"], single["cpu_ms"], "<=", ONLINE_MS),
    ]


def _least(runs: list[Run], field: str) -> float:
    return min(float(getattr(measured, field)) for measured in runs)


def show(title: str, measured: Mapping[str, Mapping[str, Any]], verdicts: list[Verdict], requests: list[Any]) -> None:
    """Print three tables."""
    console = Console(width=120)
    heads = ("work s", "least", "whole s", "CPU s", "least", "peak MB", "spill MB", "differing cells")
    table = Table("contender", title=title)
    for head in heads:
        table.add_column(head, justify="right")
    for name, line in measured.items():
        keys = ("work_s", "work_min_s", "wall_s", "cpu_s", "cpu_min_s")
        cells = line.get("differing_cells")
        differ = "-" if cells is None else str(sum(cells.values()))
        table.add_row(
            name, *(f"{line[key]:.1f}" for key in keys), f"{line['peak_mb']:,.0f}", f"{line['spill_mb']:,.0f}", differ
        )
    ratios = Table("ratio of the fastest runs", "wall", "CPU", "target", "met")
    for verdict in verdicts:
        met = {None: "-", True: "yes", False: "no"}[verdict.met]
        cpu = "-" if verdict.cpu is None else f"{verdict.cpu:.2f}"
        ratios.add_row(verdict.what, f"{verdict.wall:.2f}", cpu, verdict.target, met)
    online = Table("customers online", "orders", "events", "calls", "median ms", "p99 ms", "least ms", "CPU ms")
    for line in requests:
        online.add_row(
            *(f"{line[key]:,}" for key in ("customers", "orders", "events", "calls")),
            *(f"{line[key]:.1f}" for key in ("median_ms", "p99_ms", "min_ms", "cpu_ms")),
        )
    console.print(table, ratios, online)
