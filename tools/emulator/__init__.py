"""Run one function with Lambda's own runtime client and interface emulator, without a container.

`aws-lambda-rie` plays the service: it starts the function's process at the first event, sends it events over the
Runtime API, and ends it at its time limit. `awslambdaric` is the client in Lambda's image. Both are AWS's;
`python -m tools.emulator` fetches them. Permissions, memory limits, throttling and authorizers are not enforced.
"""

import json
import os
import platform
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tools.build import MACHINES, WHEELS, lambda_python, layer_folder

FOLDER = Path(__file__).resolve().parents[2] / "build" / "emulator"
PROGRAM = FOLDER / "aws-lambda-rie"
RUNTIME = FOLDER / "runtime"
INVOKE = "/2015-03-31/functions/function/invocations"
TIMEOUT_SECONDS = 60


def missing() -> str | None:
    """Return why this host cannot run functions in the emulator; None when it can."""
    processor = architecture()
    if processor is None or not Path("/proc/self/stat").exists():
        return f"the emulator runs on Linux, {' or '.join(MACHINES)}"
    if lambda_python() is None:
        return "this host has no python3.13, Lambda's Python"
    if not (PROGRAM.exists() and RUNTIME.exists()):
        return 'the emulator is missing; run "python -m tools.emulator"'
    lacking = [layer for layer in WHEELS if not layer_folder(layer, processor).with_suffix(".stamp").exists()]
    return f'no layer {lacking[0]}; run "python tools/build.py {lacking[0]}"' if lacking else None


def architecture() -> str | None:
    """Return Lambda's name for this host's processor; None when Lambda has no such."""
    return {machine: name for name, machine in MACHINES.items()}.get(platform.machine())


@dataclass(frozen=True)
class Cost:
    """Use of the function's process since it started: seconds of CPU, and peak memory in bytes."""

    cpu_seconds: float
    peak_bytes: int


class Emulator:
    """One function. Its process starts with its first event."""

    def __init__(self, function: Path, path: Sequence[Path], environment: Mapping[str, str], log: Path) -> None:
        self._function = function
        self._path = [function, *path, RUNTIME]
        self._environment = environment
        self.log = log
        """Output of the emulator and the function, in order."""

    def __enter__(self) -> Self:
        """Start the emulator; the first event starts the function's process."""
        api, front = (f"127.0.0.1:{port}" for port in free_ports(2))
        self._url = f"http://{front}{INVOKE}"
        command = [str(PROGRAM), "--runtime-api-address", api, "--runtime-interface-emulator-address", front]
        command += [str(lambda_python()), "-m", "awslambdaric", "app.handler"]
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(map(str, self._path)),
            "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's folders are read-only
            "LAMBDA_TASK_ROOT": str(self._function),
            "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": self._function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",  # Lambda sets it, the emulator does not
            **self._environment,
        }
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command
                command, cwd=self._function, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        _await_port(front, self._process)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the emulator and the function."""
        children = self._children()
        self._process.terminate()
        self._process.wait(TIMEOUT_SECONDS)
        for child in children:  # the emulator does not stop a function that waits for its next event
            _end(child)

    def invoke(self, event: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Send an event, as JSON or as the given bytes; return the answer, or Lambda's own error document."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        request = urllib.request.Request(self._url, body)  # noqa: S310 - this host
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - this host
            return json.loads(answer.read())

    def cost(self) -> Cost:
        """Return the use of the function's process, which also runs between events."""
        [process] = self._children()
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
        status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines())
        return Cost(ticks / os.sysconf("SC_CLK_TCK"), int(status["VmHWM"].split()[0]) * 1024)

    def _children(self) -> list[int]:
        file = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        children = [int(pid) for task in file.parents[1].iterdir() for pid in (task / "children").read_text().split()]
        return sorted(set(children))


def free_ports(count: int) -> list[int]:
    """Return free ports of 127.0.0.1."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def _await_port(address: str, process: subprocess.Popen[bytes]) -> None:
    host, port = address.split(":")
    until = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.005)
    raise RuntimeError(f"the emulator did not start at {address}; see its log")


def _end(process: int) -> None:
    try:
        os.kill(process, 9)
    except ProcessLookupError:
        return


@contextmanager
def running(function: Path, path: Sequence[Path], environment: Mapping[str, str], log: Path) -> Iterator[Emulator]:
    """Run one function as long as the block lasts."""
    with Emulator(function, path, environment, log) as emulator:
        yield emulator
