"""The command line, called in this process through its own entry point."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from regulars_workbench import console
from regulars_workbench.cli import app

Run = Callable[..., tuple[int, str, str]]


def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *first: object, columns: int = 200
) -> Run:
    """Return a function that runs `regulars` with the words of `first` and its own.

    It returns exit status, standard output and standard error, printed for a terminal `columns` wide.
    Keyword arguments are environment variables; None removes one.
    """
    for stream in (console.console, console.errors):
        monkeypatch.setattr(stream, "_width", columns)  # made at import, when COLUMNS may have been another

    def command(*more: object, **variables: Any) -> tuple[int, str, str]:
        for name, value in {"COLUMNS": str(columns), **variables}.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["regulars", *map(str, (*first, *more))])
        status = 0
        try:
            app.main()
        except SystemExit as end:
            status = int(end.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command
