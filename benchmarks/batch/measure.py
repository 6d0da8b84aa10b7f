"""Measure a process and its children from outside: wall seconds, CPU seconds, proportional set size."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TICK_S = 0.1


class Taken(NamedTuple):
    """Cost of a run, and its output."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


def run(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Taken:
    """Run Python with these arguments to its end; SystemExit when it fails."""
    path = ":".join(str(ROOT / part) for part in ("layers/core/python", "training", "workbench", "."))
    before, start = os.times(), time.perf_counter()
    output: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own commands
        [sys.executable, *map(str, command)],
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        reader = threading.Thread(target=lambda: output.append(process.communicate()[0]))
        reader.start()
        peak = 0
        while reader.is_alive():
            peak = max(peak, sum(map(_memory, _tree(process.pid))))
            reader.join(TICK_S)
    wall, after = time.perf_counter() - start, os.times()
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Taken(wall, cpu, peak / 1000, output[0])


def _tree(pid: int) -> list[int]:
    """Return the ids of a process and its descendants (Linux)."""
    pids = [pid]
    for parent in pids:  # the list grows during the loop
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                pids += map(int, task.read_text(encoding="ascii").split())
            except OSError:
                continue
    return pids


def _memory(pid: int) -> int:
    """Return the proportional set size in kilobytes; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
