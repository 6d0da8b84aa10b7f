"""Features side by side, each contender a process of its own: `make bench-features`, or with LAKE=folder.

Writes benchmarks/features.json. Without a lake it makes one: 1,000,000 customers over three years, and one of 100,000
for pandas. `--quick` does the same on a hundredth, to see that it runs.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.features.cells import differing, ordered, read

ROOT = Path(__file__).parents[2]
OUT = ROOT / "benchmarks" / "features.json"
AS_OF = "2026-01-01"
CUSTOMERS, FEWER = 1_000_000, 100_000
TICK_S = 0.05
LIBRARIES = ("duckdb", "polars", "pandas", "pyspark", "sqlglot")


@dataclass(frozen=True)
class Contender:
    """One line of the table: a module of this package, where it reads, and what it may use."""

    name: str
    module: str
    small: bool = False
    threads: int = 2
    memory_limit: str = "4GB"
    repeats: int = 3
    tolerance: float | None = None
    compared: bool = True


CONTENDERS = (
    Contender("Regulars", "ours", compared=False),
    Contender("scan of the columns", "scan", compared=False),
    Contender("reference, one DuckDB statement", "reference", tolerance=0.0),
    Contender("Polars streaming", "by_polars", repeats=2, tolerance=1e-9),
    Contender("PySpark local[2], the same SQL", "by_spark", repeats=1),
    Contender("Regulars, 1 thread", "ours", threads=1, repeats=1),
    Contender("Regulars, 512 MB", "ours", memory_limit="512MB", repeats=1),
    Contender("Regulars, 100 k", "ours", small=True),
    Contender("pandas, 100 k", "by_pandas", small=True, repeats=2, tolerance=1e-9),
)


@dataclass
class Run:
    """What one process took, start-up included; `steps` is what it says of itself."""

    wall: float
    cpu: float
    peak_mb: float
    steps: list[dict[str, float]]


class Tree:
    """CPU seconds and memory of a process and all that it starts, looked at every TICK_S."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._cpu: dict[int, float] = {}
        self.peak = 0

    @property
    def cpu(self) -> float:
        """CPU seconds of all, as last seen."""
        return sum(self._cpu.values())

    def look(self) -> None:
        """Take the numbers of every process of the tree."""
        total = 0
        for process in self._processes():
            try:
                times = process.cpu_times()
                self._cpu[process.pid] = times.user + times.system
                total += process.memory_info().rss
            except psutil.Error:
                continue
        self.peak = max(self.peak, total)

    def _processes(self) -> Iterator[psutil.Process]:
        try:
            yield from (self._root, *self._root.children(recursive=True))
        except psutil.Error:
            return


def run(contender: Contender, lake: Path, out: Path, temp: Path) -> Run:
    """Run one contender once."""
    for old in (out, temp):
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    temp.mkdir(parents=True)
    options = ["--threads", str(contender.threads), "--memory-limit", contender.memory_limit, "--temp", str(temp)]
    command = [sys.executable, "-m", f"benchmarks.features.{contender.module}", str(lake), "--as-of", AS_OF]
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own modules
        [*command, "--out", str(out), *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        tree, said = Tree(process.pid), ""
        reader = threading.Thread(target=lambda: said_lines.append(process.communicate()[0]))
        said_lines: list[str] = []
        reader.start()
        while reader.is_alive():
            tree.look()
            reader.join(TICK_S)
    if process.returncode:
        sys.exit(f"{contender.name} ended with {process.returncode}")
    said = said_lines[0].strip().splitlines()[-1]
    return Run(time.perf_counter() - start, tree.cpu, tree.peak / 1e6, json.loads(said))


def lake_of(folder: Path, customers: int) -> Path:
    """Return a simulated lake, made now if it is not there."""
    if not (folder / "lake.json").exists():
        command = ["simulate", str(folder), "--customers", str(customers), "--years", "3", "--seed", "7"]
        subprocess.run([sys.executable, "-m", "training", *command], cwd=ROOT, check=True)  # noqa: S603 - our own
    return folder


def rows(lake: Path) -> dict[str, int]:
    """Count the rows of the tables that features read."""
    tables = json.loads((lake / "lake.json").read_bytes())["tables"]
    return {name: tables[name]["rows"] for name in ("customers", "orders", "events")}


def compare(contender: Contender, ours: Path, theirs: Path) -> dict[str, int]:
    """Count the cells in which a contender's table differs from ours."""
    return differing(ordered(read(ours)), ordered(read(theirs)), contender.tolerance or None)


def measure(lakes: tuple[Path, Path], work: Path, wanted: Sequence[Contender]) -> dict[str, dict[str, object]]:
    """Run all contenders in turn, round after round, so that a busy minute of the machine hits every one."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in wanted}
    outs = {contender.name: work / f"{number}.parquet" for number, contender in enumerate(wanted)}
    for turn in range(max(contender.repeats for contender in wanted)):
        for contender in (each for each in wanted if turn < each.repeats):
            Console(stderr=True).print(f"round {turn + 1}: {contender.name}")
            lake = lakes[contender.small]
            runs[contender.name].append(run(contender, lake, outs[contender.name], work / "spill"))
    found: dict[str, dict[str, object]] = {}
    for contender in wanted:
        mine = runs[contender.name]
        found[contender.name] = {
            "wall_s": statistics.median(each.wall for each in mine),
            "wall_min_s": min(each.wall for each in mine),
            "cpu_s": statistics.median(each.cpu for each in mine),
            "cpu_min_s": min(each.cpu for each in mine),
            "peak_mb": max(each.peak_mb for each in mine),
            "steps": [each.steps for each in mine],
        }
        if contender.compared and "Regulars" in outs:
            base = next(each.name for each in wanted if each.module == "ours" and each.small == contender.small)
            found[contender.name]["differing_cells"] = compare(contender, outs[base], outs[contender.name])
    return found


def online() -> list[dict[str, float]]:
    """Return the milliseconds of requests, warm."""
    command = [sys.executable, "-m", "benchmarks.features.online"]
    said = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    answer: list[dict[str, float]] = json.loads(said.strip().splitlines()[-1])
    return answer


def targets(found: dict[str, dict[str, object]], requests: list[dict[str, float]]) -> list[dict[str, object]]:
    """Set each target beside what was reached: ratios of CPU seconds, which a busy machine moves least, and of time."""

    def ratio(name: str, base: str, key: str) -> float | None:
        if name not in found or base not in found:
            return None
        return float(str(found[name][key])) / float(str(found[base][key]))

    asked = (
        ("Regulars / reference", "Regulars", "reference, one DuckDB statement", "<=", 1.2),
        ("Regulars / scan", "Regulars", "scan of the columns", "<=", 10.0),
        ("Polars / Regulars", "Polars streaming", "Regulars", ">=", 2.0),
        ("PySpark, start-up and two runs / Regulars", "PySpark local[2], the same SQL", "Regulars", ">=", 5.0),
        ("pandas / Regulars, 100 k", "pandas, 100 k", "Regulars, 100 k", ">=", 3.0),
    )
    said: list[dict[str, object]] = [
        {
            "what": what,
            "wall": ratio(one, other, "wall_min_s"),
            "cpu": ratio(one, other, "cpu_min_s"),
            "target": f"{sign} {limit:g}",
        }
        for what, one, other, sign, limit in asked
    ]
    spark = found.get("PySpark local[2], the same SQL")
    if spark:
        warm = spark["steps"][0][2]["wall"]  # type: ignore[index] # session, first run, warm run
        mine = min(steps[0]["wall"] for steps in found["Regulars"]["steps"])  # type: ignore[attr-defined]
        said.append({"what": "PySpark warm / Regulars, wall", "wall": warm / mine, "cpu": None, "target": ">= 5"})
    said.append(
        {"what": "one customer online, median ms", "wall": requests[0]["median_ms"], "cpu": None, "target": "<= 15"}
    )
    return said


def show(result: dict[str, object], found: dict[str, dict[str, object]], said: list[dict[str, object]]) -> None:
    """Print what was measured."""
    console = Console()
    table = Table("contender", "wall s", "CPU s", "peak MB", "differing cells", title=f"Features of {result['rows']}")
    for name, line in found.items():
        cells = line.get("differing_cells")
        differ = "" if cells is None else str(sum(cells.values())) if cells else "0"  # type: ignore[attr-defined]
        table.add_row(name, f"{line['wall_s']:.1f}", f"{line['cpu_s']:.1f}", f"{line['peak_mb']:,.0f}", differ)
    console.print(table)
    ratios = Table("ratio", "wall", "CPU", "target", title="Against the targets (of the fastest runs)")
    for line in said:
        numbers = ["" if line[key] is None else f"{line[key]:.2f}" for key in ("wall", "cpu")]
        ratios.add_row(str(line["what"]), *numbers, str(line["target"]))
    console.print(ratios)


def main() -> None:
    """Measure, print, and write benchmarks/features.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake", nargs="?", type=Path, help="a simulated lake; else one is made under build/bench")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the customers, nothing written")
    parser.add_argument("--only", nargs="*", help="modules to run beside ours")
    given = parser.parse_args()
    share = 100 if given.quick else 1
    work = ROOT / "build" / "bench"
    work.mkdir(parents=True, exist_ok=True)
    large = given.lake or lake_of(work / f"lake-{CUSTOMERS // share}", CUSTOMERS // share)
    small = lake_of(work / f"lake-{FEWER // share}", FEWER // share)
    wanted = [each for each in CONTENDERS if not given.only or each.module in ("ours", *given.only)]
    load = os.getloadavg()[0]
    found = measure((large, small), work, wanted)
    requests = online()
    said = targets(found, requests)
    result: dict[str, object] = {
        "rows": rows(large),
        "as_of": AS_OF,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": load},
        "versions": {name: version(name) for name in LIBRARIES},
        "contenders": [asdict(each) for each in wanted],
        "measured": found,
        "online": requests,
        "targets": said,
    }
    show(result, found, said)
    for line in requests:
        print(json.dumps(line))
    if not given.quick:
        OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
