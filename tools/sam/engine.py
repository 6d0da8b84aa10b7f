"""A Docker engine: one that runs already, or one that is started for this run."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.sam.shell import Skip, capture, say

TIMEOUT_SECONDS = 60


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """Yield the environment variables for `docker`; Skip when no engine runs and none can be started."""
    if not shutil.which("docker"):
        raise Skip("this host has no docker command")
    if capture("docker", "info").returncode == 0:
        yield {}
        return
    if not shutil.which("dockerd") or os.geteuid() != 0:
        raise Skip("no Docker engine answers; start one, or install dockerd and run this as root")
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder:
        yield from _own_engine(Path(folder))


def _own_engine(folder: Path) -> Iterator[dict[str, str]]:
    """Start an engine that has all its files under `folder`; stop it at the end."""
    host = f"unix://{folder}/docker.sock"
    command = ["dockerd", "--host", host, "--pidfile", f"{folder}/pid"]
    command += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    log = folder / "log"
    with log.open("wb") as out:
        daemon = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)  # noqa: S603 - a fixed command
    try:
        say(f"started a Docker engine, process {daemon.pid}")
        _wait(daemon, host, log)
        yield {"DOCKER_HOST": host}
    finally:
        daemon.terminate()
        daemon.wait(TIMEOUT_SECONDS)
        capture("umount", f"{folder}/exec/netns/default")  # a container in the host's network leaves this mount behind


def _wait(daemon: subprocess.Popen[bytes], host: str, log: Path) -> None:
    until = time.monotonic() + TIMEOUT_SECONDS
    while daemon.poll() is None and time.monotonic() < until:
        if capture("docker", "info", env={"DOCKER_HOST": host}).returncode == 0:
            return
        time.sleep(0.5)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise Skip(f"the Docker engine did not start: {''.join(last)}")
