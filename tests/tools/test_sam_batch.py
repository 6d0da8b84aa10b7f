"""The inputs of `make sam` for the batch function, and that a lost row is noticed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.sam.balance import accounted
from tools.sam.files import ROWS, Input, file_of, inputs

GOOD, BAD = Input("in/good.csv", b""), Input("in/bad.csv", b"", None)


class Outcome:
    """One result and one dead letter, as the function writes them."""

    def __init__(self, folder: Path) -> None:
        counts = {"rows_read": ROWS, "rows_kept": 51, "rows_rejected": 1}
        counts |= {"customers_read": 11, "customers_scored": 10, "customers_rejected": 1}
        self.manifest: dict[str, Any] = {"input": {"key": GOOD.key}, **counts}
        self.part = file_of(folder, "select * from range(10)", "format parquet")
        self.rejects = file_of(folder, "select * from range(2)", "format parquet")
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


def test_fifty_inputs_have_unique_names_and_five_are_unreadable(tmp_path: Path) -> None:
    files = inputs(tmp_path, "in")

    assert len({file.key for file in files}) == len(files) == 50
    assert sum(file.rows is None for file in files) == 5
    assert all(key.startswith("in/") for file in files for key in (file.key, *file.beside))


def test_complete_results_pass(outcome: Any, tmp_path: Path) -> None:
    assert accounted(outcome, [GOOD, BAD], 2, tmp_path)


def test_a_missing_row_is_reported(outcome: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome.manifest["rows_read"], outcome.manifest["rows_kept"] = ROWS - 1, 50

    assert not accounted(outcome, [GOOD, BAD], 2, tmp_path)
    assert "not accounted for: in/good.csv" in capsys.readouterr().out


def test_a_manifest_that_differs_from_its_files_fails(outcome: Any, tmp_path: Path) -> None:
    outcome.part = outcome.rejects

    assert not accounted(outcome, [GOOD, BAD], 2, tmp_path)


def test_an_input_without_result_or_dead_letter_fails(outcome: Any, tmp_path: Path) -> None:
    outcome.letters = []

    assert not accounted(outcome, [GOOD, BAD], 2, tmp_path)
