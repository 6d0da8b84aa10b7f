"""Run commands, print lines, and skip what this host cannot run."""

import os
import subprocess
import sys
from collections.abc import Mapping


class Skip(Exception):  # noqa: N818 - not an error: the message says what this host lacks
    """A step cannot run on this host."""


def run(*command: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command with its output on the screen; exit if it fails."""
    say(f"$ {' '.join(command)}")
    done = subprocess.run(command, env={**os.environ, **(env or {})}, check=False)  # noqa: S603 - a fixed command
    if done.returncode:
        sys.exit(f"failed with {done.returncode}: {' '.join(command)}")


def capture(*command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command and return its output and exit status, whatever they are."""
    return subprocess.run(  # noqa: S603 - a fixed command
        command, env={**os.environ, **(env or {})}, check=False, capture_output=True, text=True
    )


def say(line: str) -> None:
    """Print a line and flush it, so that it keeps its order among the output of commands."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
