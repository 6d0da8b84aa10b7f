"""Run one contender as a process, and measure wall, CPU, memory and spill from outside, with its children."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
TICK_S = 0.05


@dataclass(frozen=True)
class Contender:
    """One line of the table: a module of this package, its lake, and its limits."""

    name: str
    module: str
    lake: str = "as simulated"
    threads: int = 2
    memory_limit: str = "4GB"
    repeats: int = 3
    tolerance: float | None = None
    """Allowed relative difference of doubles from ours; None means every bit must be equal."""
    compared: bool = True


@dataclass(frozen=True)
class Run:
    """Seconds, CPU seconds and memory of a whole process; `steps` are the times that it printed."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    spill_mb: float
    steps: list[dict[str, float]]

    @property
    def work_s(self) -> float:
        """Seconds of the last step, from the lake to the file, without start-up or a first run."""
        return self.steps[-1]["wall"]


class Tree:
    """CPU seconds and memory of a process with its children, and the bytes of its temporary folder."""

    def __init__(self, pid: int, temp: Path) -> None:
        self._root = psutil.Process(pid)
        self._temp = temp
        self._cpu: dict[int, float] = {}
        self.peak = 0
        self.spill = 0

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes at the last look."""
        return sum(self._cpu.values())

    def look(self) -> None:
        """Update the numbers."""
        total = 0
        for process in self._processes():
            try:
                times = process.cpu_times()
                self._cpu[process.pid] = times.user + times.system
                total += process.memory_info().rss
            except psutil.Error:
                continue
        self.peak = max(self.peak, total)
        self.spill = max(self.spill, sum(_size(file) for file in self._temp.rglob("*")))

    def _processes(self) -> Iterator[psutil.Process]:
        try:
            yield from (self._root, *self._root.children(recursive=True))
        except psutil.Error:
            return


def _size(file: Path) -> int:
    try:
        return file.stat().st_blocks * 512
    except OSError:
        return 0  # deleted since it was listed


def run(contender: Contender, lake: Path, as_of: str, out: Path, temp: Path) -> Run:
    """Run one contender once, in clean folders; SystemExit when it fails."""
    for old in (out, temp):
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    temp.mkdir(parents=True)
    options = ["--threads", str(contender.threads), "--memory-limit", contender.memory_limit, "--temp", str(temp)]
    command = [sys.executable, "-m", f"benchmarks.features.{contender.module}", str(lake), "--as-of", as_of]
    output: list[str] = []
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own modules
        [*command, "--out", str(out), *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        tree = Tree(process.pid, temp)
        reader = threading.Thread(target=lambda: output.append(process.communicate()[0]))
        reader.start()
        while reader.is_alive():
            tree.look()
            reader.join(TICK_S)
    wall = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{contender.name} ended with {process.returncode}")
    return Run(wall, tree.cpu, tree.peak / 1e6, tree.spill / 1e6, json.loads(output[0].strip().splitlines()[-1]))
