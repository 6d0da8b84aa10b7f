"""The command line as the tests call it: in this process, by its own entry."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from regulars_workbench.cli import app

Run = Callable[..., tuple[int, str, str]]


def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *first: object, columns: int = 200
) -> Run:
    """Return what runs `regulars`, `first` and further words: exit status, standard output, standard error.

    Words given by name are environment variables, of which None is taken away.
    """

    def command(*more: object, **variables: Any) -> tuple[int, str, str]:
        for name, value in {"COLUMNS": str(columns), **variables}.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["regulars", *map(str, (*first, *more))])
        status = 0
        try:
            app.main()
        except SystemExit as left:
            status = int(left.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return command
