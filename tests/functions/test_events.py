"""Each function serves the event.json of its folder, through its own handler, as with `sam local invoke`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regulars.api.contract.responses import ROUTES
from regulars.errors import SourceError
from regulars_workbench.invoke import invoke
from tests.conftest import ROOT

HTTP = ROUTES


@pytest.fixture(autouse=True)
def served(cold: pytest.MonkeyPatch, bundle_folder: Path) -> None:
    """The functions use the trained bundle."""
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))


@pytest.mark.parametrize("function", HTTP)
def test_its_event_is_served(function: str) -> None:
    response = invoke(ROOT / "functions" / function)
    assert response["statusCode"] == 200
    assert len(response["body"]["results"]) == 3
    assert response["isBase64Encoded"] is False


def test_a_process_ends_without_output_on_standard_error(bundle_folder: Path) -> None:
    """DuckDB's binding reports objects that are still frozen at exit as leaked."""
    program = [sys.executable, "-m", "regulars", "invoke", "churn"]
    environment = {**os.environ, "POWERTOOLS_LOG_LEVEL": "CRITICAL"}
    done = subprocess.run([*program, "--bundle", bundle_folder], env=environment, capture_output=True, check=True)  # noqa: S603 - our own command
    assert b'"results"' in done.stdout
    assert done.stderr == b""


def test_all_routes_have_the_same_request() -> None:
    bodies = {json.loads((ROOT / "functions" / name / "event.json").read_bytes())["body"] for name in HTTP}
    assert len(bodies) == 1


@pytest.mark.parametrize("function", ["clv", "churn"])
def test_three_reasons_each_of_another_group(function: str) -> None:
    response = invoke(ROOT / "functions" / function)["body"]
    for result in response["results"]:
        assert [set(reason) for reason in result["reasons"]] == [{"feature", "group", "value", "effect", "text"}] * 3
        assert len({reason["group"] for reason in result["reasons"]}) == 3


def test_another_event_can_be_sent(tmp_path: Path) -> None:
    sent: dict[str, Any] = json.loads((ROOT / "functions" / "clv" / "event.json").read_bytes())
    sent["body"] = json.dumps(json.loads(sent["body"]) | {"customers": []})
    (tmp_path / "event.json").write_text(json.dumps(sent))
    assert invoke(ROOT / "functions" / "clv", tmp_path / "event.json")["statusCode"] == 422


def test_an_unknown_function_and_a_bad_event_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no function clvv; there are batch, churn, clv"):
        invoke(ROOT / "functions" / "clvv")
    (tmp_path / "event.json").write_text("{")
    with pytest.raises(SourceError, match=r"event\.json cannot be read as a JSON event"):
        invoke(ROOT / "functions" / "clv", tmp_path / "event.json")
