"""`sam local start-api` and `start-lambda` as servers that stop at the end of a block."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from tools.emulator import free_ports
from tools.sam.shell import say

TIMEOUT_SECONDS = 300
SHOWN_CHARACTERS = 2000


@contextmanager
def serving(
    server: str, options: Sequence[str], docker: Mapping[str, str], answers: Callable[[int], bool]
) -> Iterator[int]:
    """Run `sam local SERVER` as long as the block lasts; yield its port when it answers."""
    [port] = free_ports(1)
    command = ["sam", "local", server, "--skip-pull-image", "--port", str(port), *options]
    with tempfile.TemporaryFile() as log:
        say(f"$ {' '.join(command)}")
        process = subprocess.Popen(command, env={**os.environ, **docker}, stdout=log, stderr=log)  # noqa: S603 - a fixed command
        try:
            _wait(server, process, lambda: answers(port))
            yield port
        except RuntimeError:
            log.seek(0)
            say(log.read().decode(errors="replace")[-SHOWN_CHARACTERS:])
            raise
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)


def _wait(server: str, process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> None:
    until = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if answers():
            return
        time.sleep(1)
    raise RuntimeError(f"sam local {server} did not answer")
