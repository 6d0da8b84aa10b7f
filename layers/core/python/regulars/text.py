"""Words of the user's own in messages: cut to a length, quoted, and with what may have been meant."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any


def short(text: str, most: int = 80) -> str:
    """Cut a text of the user's to what a message may hold."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def shown(value: object) -> str:
    """Show a value of the user's in a message, as they wrote it or the beginning of it."""
    return repr(short(value)) if isinstance(value, str) else short(repr(value))


def near(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """Say which of `known` the user may have meant, and which there are."""
    match = get_close_matches(name.lower(), [one.lower() for one in known], n=1, cutoff=0.6)
    meant = next((f'did you mean "{one}"? ' for one in known if match and one.lower() == match[0]), "")
    return f"{meant}there are: {', '.join(known)}"
