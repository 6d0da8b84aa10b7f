"""Names of sheets and files that stand for actions."""

import re
from collections.abc import Iterable

SHEET_NAME = 31
"""Excel's limit for the name of a sheet."""


def sheet_names(titles: Iterable[str]) -> list[str]:
    """Return names that Excel takes: without its forbidden characters, at most 31 long, each once in any case."""
    cleaned = [re.sub(r"[\[\]:*?/\\\x00-\x1f]", "-", title).strip("' ") or "sheet" for title in titles]
    return _once(["history-" if name.casefold() == "history" else name for name in cleaned], SHEET_NAME, " ")


def file_words(titles: Iterable[str]) -> list[str]:
    """Return parts of file names: letters, digits, '_' and '-', each once in any case."""
    return _once([re.sub(r"[^\w]+", "-", title).strip("-") or "action" for title in titles], 80, "-")


def _once(names: list[str], longest: int, before: str) -> list[str]:
    taken: set[str] = set()
    unique = []
    for name in names:
        number, shown = 1, name[:longest].rstrip("' ")
        while shown.casefold() in taken:
            number += 1
            ending = f"{before}{number}"
            shown = name[: longest - len(ending)] + ending
        taken.add(shown.casefold())
        unique.append(shown)
    return unique
