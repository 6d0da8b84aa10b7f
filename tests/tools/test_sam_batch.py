"""What `make sam` puts before the batch function, and that nothing can get lost without its saying so."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.sam.balance import accounted
from tools.sam.files import ROWS, Input, inputs, written

GOOD, BAD = Input("in/good.csv", b""), Input("in/bad.csv", b"", None)


class Outcome:
    """One result and one dead letter, as the function leaves them."""

    def __init__(self, folder: Path) -> None:
        counts = {"rows_read": ROWS, "rows_kept": 51, "rows_rejected": 1}
        counts |= {"customers_read": 11, "customers_scored": 10, "customers_rejected": 1}
        self.manifest: dict[str, Any] = {"input": {"key": GOOD.key}, **counts}
        self.part = written(folder, "select * from range(10)", "format parquet")
        self.rejects = written(folder, "select * from range(2)", "format parquet")
        self.letters = [BAD.key]

    def written(self) -> dict[str, bytes]:
        """The output bucket's objects."""
        files = {"_manifest.json": json.dumps(self.manifest).encode(), "part.parquet": self.part}
        return {f"scores/good/{name}": body for name, body in {**files, "rejects.parquet": self.rejects}.items()}

    def dead_letters(self) -> list[dict[str, Any]]:
        """The dead-letter queue's messages."""
        reason = {"reason": {"StringValue": "half a file"}}
        return [{"Body": json.dumps({"bucket": "b", "key": key}), "MessageAttributes": reason} for key in self.letters]


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    return Outcome(tmp_path)


def test_fifty_inputs_with_names_of_their_own_and_five_that_nobody_can_read(tmp_path: Path) -> None:
    given = inputs(tmp_path, "in")

    assert len({each.key for each in given}) == len(given) == 50
    assert sum(each.rows is None for each in given) == 5
    assert all(key.startswith("in/") for each in given for key in (each.key, *each.beside))


def test_all_is_accounted_for(outcome: Any, tmp_path: Path) -> None:
    assert accounted(outcome, [GOOD, BAD], 2, tmp_path)


def test_a_row_too_few_is_told(outcome: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome.manifest["rows_read"], outcome.manifest["rows_kept"] = ROWS - 1, 50

    assert not accounted(outcome, [GOOD, BAD], 2, tmp_path)
    assert "not accounted for: in/good.csv" in capsys.readouterr().out


def test_a_manifest_that_its_files_belie_is_told(outcome: Any, tmp_path: Path) -> None:
    outcome.part = outcome.rejects

    assert not accounted(outcome, [GOOD, BAD], 2, tmp_path)


def test_an_input_that_leaves_nothing_is_told(outcome: Any, tmp_path: Path) -> None:
    outcome.letters = []

    assert not accounted(outcome, [GOOD, BAD], 2, tmp_path)
