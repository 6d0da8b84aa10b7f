"""What the command line prints to standard error: one line a message, whatever the width of the terminal."""

from pathlib import Path

import pytest

import regulars_workbench
from regulars_workbench import console
from tests.command_line import command_line

PACKAGE = Path(regulars_workbench.__file__).parent


@pytest.mark.parametrize("columns", [40, 200])
def test_a_note_is_one_line(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console.errors, "_width", columns)
    text = f"the file /{'long/' * 20}[name].parquet was not written"
    console.note(text, "cyan", "note: ")
    assert capsys.readouterr().err == f"note: {text}\n"


def test_an_error_is_one_line_in_a_narrow_terminal(
    cold: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = command_line(cold, capsys, columns=40)("models", "/nowhere/far/from/here")
    assert status == 2
    assert err == 'error: no bundle at /nowhere/far/from/here; run "regulars train" or set REGULARS_BUNDLE\n'


def test_only_the_console_prints_to_standard_error() -> None:
    """Other modules call `note`, so no message is wrapped."""
    texts = {file: file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")}
    assert [file.name for file, text in texts.items() if "errors.print" in text] == ["console.py"]
