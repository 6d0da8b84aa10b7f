"""Faults that tests cause, and the tables of docs/reliability.md with their outcomes.

With REGULARS_WRITE_DOCS=1 the tests write the tables.
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
HEAD = "| fault | what the user sees | output bucket afterwards |\n|---|---|---|\n"

FaultEnvironment = TypeVar("FaultEnvironment")
Run = Callable[[FaultEnvironment], None]


class Table(Generic[FaultEnvironment]):
    """A table of the document, between two markers with its name: one row per fault, in order."""

    def __init__(self, name: str) -> None:
        self.begin, self.end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        self.faults: dict[str, Callable[[FaultEnvironment], None]] = {}
        self.rows: dict[str, str] = {}

    def fault(self, name: str) -> Callable[[Callable[[FaultEnvironment], None]], Callable[[FaultEnvironment], None]]:
        """Register a fault under its name in the table."""

        def register(run: Callable[[FaultEnvironment], None]) -> Callable[[FaultEnvironment], None]:
            self.faults[name] = run
            return run

        return register

    def check(self, name: str, seen: str, result: str) -> None:
        """Check that the document has this row, unless the tests write the document."""
        self.rows[name] = f"| {name} | {seen} | {result} |"
        if not os.environ.get("REGULARS_WRITE_DOCS"):
            assert self.rows[name] in DOC.read_text(encoding="utf-8").splitlines()

    def write(self) -> None:
        """Write the table on request, when all of its faults were tested."""
        if os.environ.get("REGULARS_WRITE_DOCS") and set(self.rows) == set(self.faults):
            before, _, rest = DOC.read_text(encoding="utf-8").partition(self.begin)
            table = HEAD + "\n".join(self.rows[name] for name in self.faults)
            DOC.write_text(f"{before}{self.begin}\n{table}\n{self.end}{rest.partition(self.end)[2]}", encoding="utf-8")

    def documented(self) -> list[str]:
        """Return the names of the faults in the document."""
        table = DOC.read_text(encoding="utf-8").partition(self.begin)[2].partition(self.end)[0]
        return [line.split(" | ")[0].removeprefix("| ") for line in table.strip().splitlines()[2:]]


def kill(point: str, event: Mapping[str, Any], environment: Mapping[str, str], spill: Path) -> None:
    """Handle an event in another process, which kills itself at the point (see killed.py)."""
    more = {"PYTHONPATH": f"{ROOT / 'layers' / 'core' / 'python'}:{ROOT}", "REGULARS_TEMP_DIRECTORY": str(spill)}
    command = [sys.executable, str(ROOT / "tests" / "regulars" / "batch" / "killed.py"), point, json.dumps(event)]
    done = subprocess.run(command, env={**os.environ, **environment, **more}, capture_output=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == -9, done.stderr.decode()
