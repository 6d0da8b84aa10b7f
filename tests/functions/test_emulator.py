"""Functions under Lambda's runtime client and emulator: first and second event, invalid events, and after errors."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regulars.api.contract.responses import ROUTES
from tests.conftest import ROOT
from tools.build import WHEELS, build_core, layer_folder
from tools.emulator import Emulator, architecture, missing, running

MISSING = missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

SECRET = "customer-that-must-not-show"  # noqa: S105 - a customer id, no password
TRACED = """

inner = handler


def handler(event, context):
    import os

    os.environ["_X_AMZN_TRACE_ID"] = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    return inner(event, context)
"""
"""Sets the X-Ray header of a sampled request: Lambda passes it on, the emulator does not."""


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The layers as deployed, with the package byte-compiled."""
    folder = tmp_path_factory.mktemp("core")
    build_core(folder)
    return [folder / "python", *(layer_folder(layer, str(architecture())) / "python" for layer in WHEELS)]


class Daemon:
    """Replaces the X-Ray daemon: keeps all data sent to it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def received(self) -> str:
        """Return all data received, and close the socket."""
        data = b""
        try:
            while True:
                data += self._socket.recv(65536)
        except TimeoutError:
            return data.decode()
        finally:
            self._socket.close()


def start(function: str, layers: list[Path], bundle: Path, log: Path, **variables: str) -> Any:
    environment = {"REGULARS_BUNDLE": str(bundle), "REGULARS_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **variables}
    return running(ROOT / "functions" / function, layers, environment, log)


@pytest.fixture(scope="module")
def churn(layers: list[Path], bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One process of the churn function for several events."""
    with start("churn", layers, bundle_folder, tmp_path_factory.mktemp("emulator") / "log") as emulator:
        yield emulator


def event(function: str, **body: Any) -> dict[str, Any]:
    """Return the function's own event with changes of its body."""
    sent: dict[str, Any] = json.loads((ROOT / "functions" / function / "event.json").read_bytes())
    sent["body"] = json.dumps(json.loads(sent["body"]) | body)
    return sent


@pytest.mark.parametrize("function", ROUTES)
def test_the_first_and_the_second_event_get_the_same_response(
    function: str, layers: list[Path], bundle_folder: Path, tmp_path: Path
) -> None:
    with start(function, layers, bundle_folder, tmp_path / "log") as emulator:
        first, second = (emulator.invoke(event(function)) for _ in range(2))
    assert first["statusCode"] == 200
    ids = [answer["headers"].pop("x-correlation-id") for answer in (first, second)]
    assert ids[0] != ids[1]
    assert first == second
    log = (tmp_path / "log").read_text()
    assert log.count('"ColdStart":[1.0]') == 1


@pytest.mark.parametrize(
    "invalid",
    [b"{}", b"null", b"[]", b'"text"', b'{"version": "2.0"}', b'{"Records": []}'],
    ids=lambda invalid: invalid.decode(),
)
def test_an_invalid_event_fails_alone(churn: Emulator, invalid: bytes) -> None:
    """Lambda returns its error document, and the same process serves the next event."""
    answer = churn.invoke(invalid)
    assert "errorType" in answer or answer["statusCode"] >= 400
    assert churn.invoke(event("churn"))["statusCode"] == 200


def test_an_event_after_an_error_is_served(churn: Emulator) -> None:
    assert churn.invoke(event("churn", customers=[]))["statusCode"] == 422
    assert churn.invoke(event("churn") | {"body": "{"})["statusCode"] == 400
    assert churn.invoke(event("churn"))["statusCode"] == 200


def test_no_customer_shows_in_logs_metrics_or_traces(layers: list[Path], bundle_folder: Path, tmp_path: Path) -> None:
    """No scored customer, no rejected customer, and no refused request."""
    good = {"customer_id": SECRET, "orders": [{"ordered_at": "2025-05-01T10:00:00Z", "order_value": 4242.42}]}
    bad = {"customer_id": SECRET, "orders": [{"ordered_at": SECRET, "order_value": 4242.42}], SECRET: SECRET}
    daemon, environment = Daemon(), {"REGULARS_BUNDLE": str(bundle_folder), "POWERTOOLS_LOG_LEVEL": "DEBUG"}
    environment["AWS_XRAY_DAEMON_ADDRESS"] = daemon.address
    with running(probe(tmp_path, "churn", TRACED), layers, environment, tmp_path / "log") as emulator:
        statuses = [
            emulator.invoke(event("churn", customers=sent))["statusCode"]
            for sent in ([good, bad], [bad], SECRET, [good])
        ]
        traced = daemon.received()
    assert statuses == [200, 422, 422, 200]
    logged = (tmp_path / "log").read_text()
    assert '"CustomersRejected":[1.0]' in logged
    assert "## " in traced
    for text in (logged, traced):
        assert SECRET not in text
        assert "4242.42" not in text  # the whole amount, because a timestamp may contain any four digits


def test_metrics_name_the_bundle_and_the_steps(churn: Emulator) -> None:
    churn.invoke(event("churn"))
    blobs = [json.loads(line) for line in churn.log.read_text().splitlines() if line.startswith('{"_aws"')]
    last = blobs[-1]
    assert last["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"], ["bundle"]]
    steps = {f"{step}Milliseconds" for step in ("Validation", "Features", "Models")}
    assert steps | {"Requests", "CustomersScored", "CustomersRejected", "BundleAgeDays", "bundle"} <= set(last)


def test_the_response_for_a_broken_bundle_has_the_cause(
    layers: list[Path], bundle_folder: Path, tmp_path: Path
) -> None:
    """Each time, by the same process."""
    broken = tmp_path / "bundle"
    shutil.copytree(bundle_folder, broken)
    (broken / "churn" / "leaf_table.npy").write_bytes(b"")
    with start("churn", layers, broken, tmp_path / "log") as emulator:
        answers = [emulator.invoke(event("churn")) for _ in range(2)]
    assert [answer["statusCode"] for answer in answers] == [503, 503]
    assert "churn/leaf_table.npy has changed" in answers[0]["body"]


def probe(tmp_path: Path, function: str, after: str, before: str = "") -> Path:
    """Copy a function's folder, with code added before and after its own."""
    folder = tmp_path / "probe"
    shutil.copytree(ROOT / "functions" / function, folder)
    code = folder / "app.py"
    code.write_text(before + code.read_text(encoding="utf-8") + after, encoding="utf-8")
    return folder


STARTS_FOR_SNAPSHOT = """
import os

os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
"""

SNAPSHOT = """
import random

import snapshot_restore_py as snapshot

from regulars.models.loader import process_loader

assert process_loader().loaded == []
for hook, args, kwargs in snapshot.get_before_snapshot():
    hook(*args, **kwargs)
assert process_loader().loaded == ["churn"]
state = random.getstate()
for hook, args, kwargs in snapshot.get_after_restore():
    hook(*args, **kwargs)
assert random.getstate() != state
os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand"
"""
"""Runs the hooks like the runtime client, which would then request a restore; the emulator has none."""


def test_the_snapshot_hooks_prime_the_process(layers: list[Path], bundle_folder: Path, tmp_path: Path) -> None:
    """They run outside of Lambda too, and leave nothing in the metrics."""
    function = probe(tmp_path, "churn", SNAPSHOT, STARTS_FOR_SNAPSHOT)
    environment = {"REGULARS_BUNDLE": str(bundle_folder)}
    with running(function, layers, environment, tmp_path / "log") as emulator:
        assert emulator.invoke(event("churn"))["statusCode"] == 200
    assert (tmp_path / "log").read_text().count('"CustomersScored":[') == 1
