"""`sam local start-api` under a short load, and the limits that its containers run with."""

import json
import statistics
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tools.sam.serve import PATIENCE_SECONDS, serving
from tools.sam.shell import ask, say

ROOT = Path(__file__).parents[2]
CALLS, AT_ONCE = 10, 2
"""Calls of each function, and how many at a time."""

ANSWERED = 200


@contextmanager
def api(docker: Mapping[str, str], overrides: Sequence[str]) -> Iterator[str]:
    """Serve the built template's API from warm containers as long as the block lasts; yield its address."""
    with serving("start-api", ["--warm-containers", "EAGER", *overrides], docker, _healthy) as port:
        yield f"http://127.0.0.1:{port}"


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=PATIENCE_SECONDS):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def _call(address: str, route: str, body: bytes) -> tuple[int, float]:
    request = urllib.request.Request(f"{address}{route}", body, {"content-type": "application/json"})  # noqa: S310 - an address of our own
    begun = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - this host
            answer.read()
            status = int(answer.status)
    except urllib.error.HTTPError as error:
        status = error.code
    return status, time.perf_counter() - begun


def load(address: str, functions: Sequence[str]) -> bool:
    """Call every function's route several times, some at once; True when each call was answered."""
    good = True
    for function in functions:
        event = json.loads((ROOT / "functions" / function / "event.json").read_bytes())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            calls = [pool.submit(_call, address, event["rawPath"], event["body"].encode()) for _ in range(CALLS)]
            done = [call.result() for call in calls]
        seconds = sorted(taken for _, taken in done)
        statuses = Counter(status for status, _ in done)
        good = good and statuses == {ANSWERED: CALLS}
        said = ", ".join(f"{count} x {status}" for status, count in statuses.items())
        say(f"{function}: {said}; median {statistics.median(seconds) * 1000:.0f} ms, most {seconds[-1] * 1000:.0f} ms")
    return good


def container_limits(docker: Mapping[str, str]) -> list[int]:
    """Return the memory limit of each container that runs, in MiB."""
    running = ask("docker", "ps", "--quiet", env=docker).stdout.split()
    if not running:
        return []
    said = ask("docker", "inspect", "--format", "{{.HostConfig.Memory}}", *running, env=docker)
    return sorted(int(line) // 2**20 for line in said.stdout.split())


def limits_hold(docker: Mapping[str, str]) -> bool:
    """Run a function that takes too much memory and one that takes too long; True when both are stopped."""
    good = True
    for name, proof in (("Greedy", '"errorType"'), ("Slow", "timed out")):
        template = str(Path(__file__).parent / "limits" / "template.yaml")
        done = ask(
            "sam", "local", "invoke", name, "--template", template, "--skip-pull-image", "--no-event", env=docker
        )
        text = done.stdout + done.stderr
        stopped = proof in text and "never said" not in done.stdout and not done.stdout.strip().isdigit()
        good = good and stopped
        line = next((line for line in text.splitlines() if "timed out" in line or "errorType" in line), text[-300:])
        say(f"{name} (128 MB, 5 s): {'stopped' if stopped else 'NOT stopped'}: {line.strip()[:160]}")
    return good
