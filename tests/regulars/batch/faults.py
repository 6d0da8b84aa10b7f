"""Faults that tests make happen, and the tables of docs/reliability.md that say what came of them.

REGULARS_WRITE_DOCS=1 writes a table anew from what happened in this run.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from tests.conftest import ROOT

DOC = ROOT / "docs" / "reliability.md"
HEAD = "| what goes wrong | what the user sees | what is there afterwards |\n|---|---|---|\n"

FaultEnvironment = TypeVar("FaultEnvironment")
Run = Callable[[FaultEnvironment], None]


class Table(Generic[FaultEnvironment]):
    """One table of the document, between two markers of its name: a row for each fault, in order."""

    def __init__(self, name: str) -> None:
        self.begin, self.end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        self.faults: dict[str, Callable[[FaultEnvironment], None]] = {}
        self.rows: dict[str, str] = {}

    def fault(self, what: str) -> Callable[[Callable[[FaultEnvironment], None]], Callable[[FaultEnvironment], None]]:
        """Enter a fault into the table."""

        def enter(run: Callable[[FaultEnvironment], None]) -> Callable[[FaultEnvironment], None]:
            self.faults[what] = run
            return run

        return enter

    def tell(self, what: str, seen: str, left: str) -> None:
        """Note what came of a fault; the document must say the same, unless it is to be written."""
        self.rows[what] = f"| {what} | {seen} | {left} |"
        if not os.environ.get("REGULARS_WRITE_DOCS"):
            assert self.rows[what] in DOC.read_text(encoding="utf-8").splitlines()

    def write(self) -> None:
        """Write the table where that is asked for and every fault was tried."""
        if os.environ.get("REGULARS_WRITE_DOCS") and set(self.rows) == set(self.faults):
            before, _, rest = DOC.read_text(encoding="utf-8").partition(self.begin)
            table = HEAD + "\n".join(self.rows[what] for what in self.faults)
            DOC.write_text(f"{before}{self.begin}\n{table}\n{self.end}{rest.partition(self.end)[2]}", encoding="utf-8")

    def listed(self) -> list[str]:
        """Return the faults that the document has."""
        table = DOC.read_text(encoding="utf-8").partition(self.begin)[2].partition(self.end)[0]
        return [line.split(" | ")[0].removeprefix("| ") for line in table.strip().splitlines()[2:]]


def kill(point: str, event: Mapping[str, Any], environment: Mapping[str, str], spill: Path) -> None:
    """Let a process of its own work on an event and be killed at the point that killed.py is told."""
    path = f"{ROOT / 'layers' / 'core' / 'python'}:{ROOT}"
    more = {"PYTHONPATH": path, "REGULARS_TEMP_DIRECTORY": str(spill)}
    command = [sys.executable, str(ROOT / "tests" / "regulars" / "batch" / "killed.py"), point, json.dumps(event)]
    done = subprocess.run(command, env={**os.environ, **environment, **more}, capture_output=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == -9, done.stderr.decode()
