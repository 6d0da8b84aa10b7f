"""`sam local start-api` and `start-lambda`: servers that end with the block that they serve."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from tools.emulator import free_ports
from tools.sam.shell import say

PATIENCE_SECONDS = 300
LAST_WORDS = 2000


@contextmanager
def serving(
    server: str, options: Sequence[str], docker: Mapping[str, str], answers: Callable[[int], bool]
) -> Iterator[int]:
    """Run `sam local SERVER` as long as the block lasts; yield its port once it answers there."""
    [port] = free_ports(1)
    command = ["sam", "local", server, "--skip-pull-image", "--port", str(port), *options]
    with tempfile.TemporaryFile() as log:
        say(f"$ {' '.join(command)}")
        process = subprocess.Popen(command, env={**os.environ, **docker}, stdout=log, stderr=log)  # noqa: S603 - our own words
        try:
            _await(server, process, lambda: answers(port))
            yield port
        except RuntimeError:
            log.seek(0)
            say(log.read().decode(errors="replace")[-LAST_WORDS:])
            raise
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _await(server: str, process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if answers():
            return
        time.sleep(1)
    raise RuntimeError(f"sam local {server} did not answer")
