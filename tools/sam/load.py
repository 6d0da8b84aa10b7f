"""`sam local start-api` under a short load, and the limits of its containers."""

import json
import statistics
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from tools.sam.serve import TIMEOUT_SECONDS, serving
from tools.sam.shell import capture, say

ROOT = Path(__file__).parents[2]
CALLS, AT_ONCE = 10, 2
"""Calls to each function, and how many at once."""


@contextmanager
def api(docker: Mapping[str, str], overrides: Sequence[str]) -> Iterator[str]:
    """Serve the built template's API from warm containers as long as the block lasts; yield its address."""
    with serving("start-api", ["--warm-containers", "EAGER", *overrides], docker, _healthy) as port:
        yield f"http://127.0.0.1:{port}"


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=TIMEOUT_SECONDS):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def _call(address: str, route: str, body: bytes) -> tuple[int, float]:
    request = urllib.request.Request(f"{address}{route}", body, {"content-type": "application/json"})  # noqa: S310 - this host
    start = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - this host
            answer.read()
            status = int(answer.status)
    except urllib.error.HTTPError as error:
        status = error.code
    return status, time.perf_counter() - start


def load(address: str, functions: Sequence[str]) -> bool:
    """Call every function's route several times, some at once; True when each answer has status 200."""
    all_answered = True
    for function in functions:
        event = json.loads((ROOT / "functions" / function / "event.json").read_bytes())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            calls = [pool.submit(_call, address, event["rawPath"], event["body"].encode()) for _ in range(CALLS)]
            results = [call.result() for call in calls]
        seconds = sorted(duration for _, duration in results)
        statuses = Counter(status for status, _ in results)
        all_answered = all_answered and statuses == {HTTPStatus.OK: CALLS}
        counts = ", ".join(f"{count} x {status}" for status, count in statuses.items())
        say(
            f"{function}: {counts}; median {statistics.median(seconds) * 1000:.0f} ms, most {seconds[-1] * 1000:.0f} ms"
        )
    return all_answered


def container_limits(docker: Mapping[str, str]) -> list[int]:
    """Return the memory limit of each running container, in MiB."""
    running = capture("docker", "ps", "--quiet", env=docker).stdout.split()
    if not running:
        return []
    limits = capture("docker", "inspect", "--format", "{{.HostConfig.Memory}}", *running, env=docker)
    return sorted(int(line) // 2**20 for line in limits.stdout.split())


def limits_hold(docker: Mapping[str, str]) -> bool:
    """Run a function that needs too much memory and one that runs too long; True when both are stopped."""
    all_stopped = True
    for name, proof in (("Greedy", '"errorType"'), ("Slow", "timed out")):
        template = str(Path(__file__).parent / "limits" / "template.yaml")
        done = capture(
            "sam", "local", "invoke", name, "--template", template, "--skip-pull-image", "--no-event", env=docker
        )
        text = done.stdout + done.stderr
        stopped = proof in text and "never said" not in done.stdout and not done.stdout.strip().isdigit()
        all_stopped = all_stopped and stopped
        line = next((line for line in text.splitlines() if "timed out" in line or "errorType" in line), text[-300:])
        say(f"{name} (128 MB, 5 s): {'stopped' if stopped else 'NOT stopped'}: {line.strip()[:160]}")
    return all_stopped
