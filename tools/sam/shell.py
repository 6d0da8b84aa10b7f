"""Running commands, and saying why something cannot run."""

import os
import subprocess
import sys
from collections.abc import Mapping


class Skip(Exception):  # noqa: N818 - not an error: this host lacks something, and the message says what
    """A step cannot run on this host."""


def run(*command: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command with its output on the screen; leave the program when it fails."""
    say(f"$ {' '.join(command)}")
    done = subprocess.run(command, env={**os.environ, **(env or {})}, check=False)  # noqa: S603 - our own words only
    if done.returncode:
        sys.exit(f"failed with {done.returncode}: {' '.join(command)}")


def ask(*command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it said; the caller judges."""
    return subprocess.run(  # noqa: S603 - our own words only
        command, env={**os.environ, **(env or {})}, check=False, capture_output=True, text=True
    )


def say(line: str) -> None:
    """Put a line on the screen now, so that it stands in order with the output of commands."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
