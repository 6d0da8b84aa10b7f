"""Functions under Lambda's own runtime client and emulator: first and second event, poisoned ones, and after errors."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regulars.api.responses import ROUTES
from tests.conftest import ROOT
from tools.build import WHEELS, build_core, layer_folder
from tools.emulator import Emulator, architecture, missing, running

LACKING = missing()
pytestmark = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))

SECRET = "customer-that-nobody-shall-read"  # noqa: S105 - an id to look for, no password
TRACED = """

inner = handler


def handler(event, context):
    import os

    os.environ["_X_AMZN_TRACE_ID"] = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    return inner(event, context)
"""
"""A request that X-Ray samples: Lambda hands its header on, the emulator does not."""


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The layers as they are deployed, the package byte-compiled among them."""
    folder = tmp_path_factory.mktemp("core")
    build_core(folder)
    return [folder / "python", *(layer_folder(layer, str(architecture())) / "python" for layer in WHEELS)]


class Daemon:
    """Stands for the X-Ray daemon: keeps what is sent to it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def received(self) -> str:
        """Return all that came, and close."""
        said = b""
        try:
            while True:
                said += self._socket.recv(65536)
        except TimeoutError:
            return said.decode()
        finally:
            self._socket.close()


def start(function: str, layers: list[Path], bundle: Path, log: Path, **more: str) -> Any:
    environment = {"REGULARS_BUNDLE": str(bundle), "REGULARS_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **more}
    return running(ROOT / "functions" / function, layers, environment, log)


@pytest.fixture(scope="module")
def churn(layers: list[Path], bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One process of churn, for several events one after the other."""
    with start("churn", layers, bundle_folder, tmp_path_factory.mktemp("emulator") / "log") as emulator:
        yield emulator


def event(function: str, **body: Any) -> dict[str, Any]:
    """Return the function's own event, its body changed."""
    sent: dict[str, Any] = json.loads((ROOT / "functions" / function / "event.json").read_bytes())
    sent["body"] = json.dumps(json.loads(sent["body"]) | body)
    return sent


@pytest.mark.parametrize("function", ROUTES)
def test_the_first_and_the_second_event_are_answered_alike(
    function: str, layers: list[Path], bundle_folder: Path, tmp_path: Path
) -> None:
    with start(function, layers, bundle_folder, tmp_path / "log") as emulator:
        first, second = (emulator.invoke(event(function)) for _ in range(2))
    assert first["statusCode"] == 200
    ids = [answer["headers"].pop("x-correlation-id") for answer in (first, second)]
    assert ids[0] != ids[1]
    assert first == second
    said = (tmp_path / "log").read_text()
    assert said.count('"ColdStart":[1.0]') == 1


@pytest.mark.parametrize(
    "poison",
    [b"{}", b"null", b"[]", b'"text"', b'{"version": "2.0"}', b'{"Records": []}'],
    ids=lambda poison: poison.decode(),
)
def test_a_poisoned_event_fails_alone(churn: Emulator, poison: bytes) -> None:
    """Lambda's error document comes back, and the same process answers the next event."""
    answer = churn.invoke(poison)
    assert "errorType" in answer or answer["statusCode"] >= 400
    assert churn.invoke(event("churn"))["statusCode"] == 200


def test_an_event_after_an_error_is_answered(churn: Emulator) -> None:
    assert churn.invoke(event("churn", customers=[]))["statusCode"] == 422
    assert churn.invoke(event("churn") | {"body": "{"})["statusCode"] == 400
    assert churn.invoke(event("churn"))["statusCode"] == 200


def test_no_customer_shows_in_logs_metrics_or_traces(layers: list[Path], bundle_folder: Path, tmp_path: Path) -> None:
    """Neither of one that is answered, nor of one that is rejected, nor of a request that is refused."""
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
        assert "4242.42" not in text  # whole: a trace's instants hold any four digits now and then


def test_metrics_name_the_bundle_and_the_steps(churn: Emulator) -> None:
    churn.invoke(event("churn"))
    blobs = [json.loads(line) for line in churn.log.read_text().splitlines() if line.startswith('{"_aws"')]
    last = blobs[-1]
    assert last["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"], ["bundle"]]
    steps = {f"{step}Milliseconds" for step in ("Validation", "Features", "Models")}
    assert steps | {"Requests", "CustomersScored", "CustomersRejected", "BundleAgeDays", "bundle"} <= set(last)


def test_a_broken_bundle_is_answered_with_its_cause(layers: list[Path], bundle_folder: Path, tmp_path: Path) -> None:
    """Each time, by a process that lives on."""
    broken = tmp_path / "bundle"
    shutil.copytree(bundle_folder, broken)
    (broken / "churn" / "leaf_table.npy").write_bytes(b"")
    with start("churn", layers, broken, tmp_path / "log") as emulator:
        answers = [emulator.invoke(event("churn")) for _ in range(2)]
    assert [answer["statusCode"] for answer in answers] == [503, 503]
    assert "churn/leaf_table.npy has changed" in answers[0]["body"]


def probe(tmp_path: Path, function: str, after: str, before: str = "") -> Path:
    """Copy a function's folder and put code before and after its own."""
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
"""What the runtime client does with the hooks; it would then ask for a restore, which the emulator does not know."""


def test_a_snapshot_is_taken_of_a_primed_process(layers: list[Path], bundle_folder: Path, tmp_path: Path) -> None:
    """Outside of Lambda nobody takes one, but the hooks stand ready and run, and leave nothing in the metrics."""
    function = probe(tmp_path, "churn", SNAPSHOT, STARTS_FOR_SNAPSHOT)
    environment = {"REGULARS_BUNDLE": str(bundle_folder)}
    with running(function, layers, environment, tmp_path / "log") as emulator:
        assert emulator.invoke(event("churn"))["statusCode"] == 200
    assert (tmp_path / "log").read_text().count('"CustomersScored":[') == 1
