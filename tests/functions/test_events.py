"""Each function's folder proves itself: its event.json, through its own handler, as `sam local invoke` sends it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regulars.api.responses import ROUTES
from regulars.errors import SourceError
from regulars_workbench.invoke import invoke
from tests.conftest import ROOT

HTTP = ROUTES


@pytest.fixture(autouse=True)
def served(cold: pytest.MonkeyPatch, bundle_folder: Path) -> None:
    """The functions answer from the trained bundle."""
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))


@pytest.mark.parametrize("function", HTTP)
def test_its_event_is_answered(function: str) -> None:
    answer = invoke(ROOT / "functions" / function)
    assert answer["statusCode"] == 200
    assert len(answer["body"]["results"]) == 3
    assert answer["isBase64Encoded"] is False


def test_a_process_that_answered_ends_without_a_word(bundle_folder: Path) -> None:
    """Objects that the garbage collector may not see at the end are reported on standard error as leaked."""
    program = [sys.executable, "-m", "regulars", "invoke", "churn"]
    environment = {**os.environ, "POWERTOOLS_LOG_LEVEL": "CRITICAL"}
    done = subprocess.run([*program, "--bundle", bundle_folder], env=environment, capture_output=True, check=True)  # noqa: S603 - our own words
    assert b'"results"' in done.stdout
    assert done.stderr == b""


def test_all_tasks_are_proved_with_one_request() -> None:
    bodies = {json.loads((ROOT / "functions" / name / "event.json").read_bytes())["body"] for name in HTTP}
    assert len(bodies) == 1


@pytest.mark.parametrize("function", ["clv", "churn"])
def test_three_reasons_each_of_another_group(function: str) -> None:
    answer = invoke(ROOT / "functions" / function)["body"]
    for one in answer["results"]:
        assert [set(reason) for reason in one["reasons"]] == [{"feature", "group", "value", "effect", "text"}] * 3
        assert len({reason["group"] for reason in one["reasons"]}) == 3


def test_another_event_can_be_sent(tmp_path: Path) -> None:
    sent: dict[str, Any] = json.loads((ROOT / "functions" / "clv" / "event.json").read_bytes())
    sent["body"] = json.dumps(json.loads(sent["body"]) | {"customers": []})
    (tmp_path / "event.json").write_text(json.dumps(sent))
    assert invoke(ROOT / "functions" / "clv", tmp_path / "event.json")["statusCode"] == 422


def test_what_cannot_be_sent_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no function clvv; there are batch, churn, clv"):
        invoke(ROOT / "functions" / "clvv")
    (tmp_path / "event.json").write_text("{")
    with pytest.raises(SourceError, match=r"event\.json cannot be read as a JSON event"):
        invoke(ROOT / "functions" / "clv", tmp_path / "event.json")
