"""Features side by side, each contender in its own process: `make bench-features`, or with LAKE=folder.

Writes benchmarks/features.json. Without a lake it makes one with 1,000,000 customers over three years. It always makes
one of 100,000 customers for pandas, and copies with integer ids and with rows sorted by time. `--quick` uses a
hundredth of the customers and writes nothing; `--only by_polars reference` runs only these beside ours.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.features import lakes, verdict
from benchmarks.features.cells import differing, ordered, read
from benchmarks.features.process import Contender, Run, run

ROOT = Path(__file__).parents[2]
OUT = ROOT / "benchmarks" / "features.json"
AS_OF = "2026-01-01"
CUSTOMERS, FEWER, QUICK = 1_000_000, 100_000, 100
LIBRARIES = ("duckdb", "polars", "pandas", "pyspark", "sqlglot")
PLAIN, SMALL, INTEGER, TIMED = "as simulated", "100 k customers", "integer ids", "rows by time"
ALIKE = 1e-9
CONTENDERS = (
    Contender(verdict.OURS, "ours", compared=False),
    Contender(verdict.SCAN, "scan", compared=False),
    Contender(verdict.REFERENCE, "reference", tolerance=ALIKE),
    Contender(verdict.POLARS, "by_polars", tolerance=ALIKE),
    Contender(verdict.SPARK, "by_spark", repeats=1),
    Contender("Regulars, 1 thread", "ours", threads=1, repeats=1),
    Contender("Regulars, 512 MB", "ours", memory_limit="512MB", repeats=1),
    Contender("scan, integer ids", "scan", INTEGER, compared=False),
    Contender(verdict.INTEGERS, "reference", INTEGER, compared=False),
    Contender(verdict.TIMED, "ours", TIMED, repeats=2),
    Contender("reference, rows by time", "reference", TIMED, repeats=2, tolerance=ALIKE),
    Contender(verdict.TIMED_POLARS, "by_polars", TIMED, repeats=2, tolerance=ALIKE),
    Contender(verdict.FEWER, "ours", SMALL, compared=False),
    Contender(verdict.PANDAS, "by_pandas", SMALL, tolerance=ALIKE),
)


def measure(places: Mapping[str, Path], outs: Mapping[str, Path], wanted: Sequence[Contender]) -> dict[str, list[Run]]:
    """Run all contenders in turn, round after round, so that other load on the machine affects all."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in wanted}
    for turn in range(max(contender.repeats for contender in wanted)):
        for contender in (candidate for candidate in wanted if turn < candidate.repeats):
            out = outs[contender.name]
            Console(stderr=True).print(f"round {turn + 1}: {contender.name}")
            runs[contender.name].append(run(contender, places[contender.lake], AS_OF, out, out.parent / "temp"))
    return runs


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Return median and minimum of each number, the maximum of memory, and all runs."""
    numbers: dict[str, Any] = {}
    for field in ("work", "wall", "cpu"):
        values = [getattr(measured, f"{field}_s") for measured in runs]
        numbers |= {f"{field}_s": statistics.median(values), f"{field}_min_s": min(values)}
    peaks = {f"{field}_mb": max(getattr(measured, f"{field}_mb") for measured in runs) for field in ("peak", "spill")}
    return numbers | peaks | {"runs": [asdict(measured) for measured in runs]}


def compared(outs: Mapping[str, Path], wanted: Sequence[Contender]) -> dict[str, dict[str, int]]:
    """Count, by column, the cells of each contender's table that differ from ours for the same customers."""
    cells = {}
    for contender in (candidate for candidate in wanted if candidate.compared):
        ours = outs[verdict.FEWER if contender.lake == SMALL else verdict.OURS]
        tables = (ordered(read(path)) for path in (ours, outs[contender.name]))
        cells[contender.name] = differing(*tables, contender.tolerance)
    return cells


def online() -> list[dict[str, float]]:
    """Return the milliseconds of warm requests."""
    command = [sys.executable, "-m", "benchmarks.features.online"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own
    answer: list[dict[str, float]] = json.loads(output.strip().splitlines()[-1])
    return answer


def rows(lake: Path) -> dict[str, int]:
    """Return the number of rows of the tables that features read."""
    tables = json.loads((lake / "lake.json").read_bytes())["tables"]
    return {name: tables[name]["rows"] for name in ("customers", "orders", "events")}


def prepared(work: Path, given: Path | None, share: int, wanted: Sequence[Contender]) -> dict[str, Path]:
    """Return the lakes for the contenders; missing ones are made."""
    plain = given or lakes.simulated(work / f"lake-{CUSTOMERS // share}", CUSTOMERS // share)
    name = str(rows(plain)["orders"])  # each lake has its own copies
    places = {PLAIN: plain, SMALL: lakes.simulated(work / f"lake-{FEWER // share}", FEWER // share)}
    needed = {contender.lake for contender in wanted}
    if INTEGER in needed:
        places[INTEGER] = lakes.integer_ids(plain, work / f"integers-{name}")
    if TIMED in needed:
        places[TIMED] = lakes.by_time(plain, work / f"by-time-{name}")
    return places


def main() -> None:
    """Measure, print, and write benchmarks/features.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake", nargs="?", type=Path, help="a simulated lake; by default one is made under build/bench")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the customers, nothing written")
    parser.add_argument("--only", nargs="*", help="modules to run beside ours; nothing written")
    options = parser.parse_args()
    wanted = [
        contender for contender in CONTENDERS if options.only is None or contender.module in ("ours", *options.only)
    ]
    work = ROOT / "build" / "bench"
    work.mkdir(parents=True, exist_ok=True)
    places = prepared(work, options.lake, QUICK if options.quick else 1, wanted)
    outs = {contender.name: work / f"{number}.parquet" for number, contender in enumerate(wanted)}
    before = os.getloadavg()[0]
    runs = measure(places, outs, wanted)
    requests = online()
    measured = {name: summary(mine) for name, mine in runs.items()}
    for name, cells in compared(outs, wanted).items():
        measured[name]["differing_cells"] = cells
    targets = verdict.evaluate(runs, requests)
    load = {"before": before, "after": os.getloadavg()[0]}
    counts = rows(places[PLAIN])
    title = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    verdict.show(f"{title}; load {load['before']:.1f} to {load['after']:.1f}", measured, targets, requests)
    if options.quick or options.only is not None:
        return
    result = {
        "rows": counts,
        "as_of": AS_OF,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": load},
        "versions": {name: version(name) for name in LIBRARIES},
        "contenders": [asdict(contender) for contender in wanted],
        "measured": measured,
        "online": requests,
        "targets": [asdict(target) for target in targets],
    }
    OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
