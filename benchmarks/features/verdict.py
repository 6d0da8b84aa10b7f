"""What was measured, set against the targets, and printed."""

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
"""Which is divided by which, and the target; without one the ratio is for information."""
ONLINE_MS = 15


@dataclass(frozen=True)
class Verdict:
    """A number by wall and by CPU seconds, and what it should be."""

    what: str
    wall: float
    cpu: float | None
    target: str
    met: bool | None


def _verdict(what: str, wall: float, cpu: float | None, sign: str, limit: float) -> Verdict:
    if not sign:
        return Verdict(what, wall, cpu, "-", None)
    return Verdict(what, wall, cpu, f"{sign} {limit:g}", wall <= limit if sign == "<=" else wall >= limit)


def judge(runs: Mapping[str, list[Run]], requests: list[dict[str, float]]) -> list[Verdict]:
    """Judge by wall seconds of the work alone, from the lake to the file, the fastest run of each.

    CPU seconds stand beside, of whole processes; not for Spark, which starts a JVM and runs twice.
    """
    said = []
    for above, below, sign, limit in RATIOS:
        if above in runs and below in runs:
            wall = _least(runs[above], "work_s") / _least(runs[below], "work_s")
            cpu = None if above == SPARK else _least(runs[above], "cpu_s") / _least(runs[below], "cpu_s")
            said.append(_verdict(f"{above} / {below}", wall, cpu, sign, limit))
    one = requests[0]
    return [*said, _verdict("one customer online, median ms", one["median_ms"], one["cpu_ms"], "<=", ONLINE_MS)]


def _least(runs: list[Run], field: str) -> float:
    return min(float(getattr(each, field)) for each in runs)


def show(title: str, measured: Mapping[str, Mapping[str, Any]], said: list[Verdict], requests: list[Any]) -> None:
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
    for each in said:
        met = {None: "-", True: "yes", False: "no"}[each.met]
        ratios.add_row(each.what, f"{each.wall:.2f}", "-" if each.cpu is None else f"{each.cpu:.2f}", each.target, met)
    online = Table("customers online", "orders", "events", "calls", "median ms", "p99 ms", "least ms", "CPU ms")
    for line in requests:
        online.add_row(
            *(f"{line[key]:,}" for key in ("customers", "orders", "events", "calls")),
            *(f"{line[key]:.1f}" for key in ("median_ms", "p99_ms", "min_ms", "cpu_ms")),
        )
    console.print(table, ratios, online)
