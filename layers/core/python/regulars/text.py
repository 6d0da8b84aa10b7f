"""The user's words in messages: shortened, quoted, and with a suggestion of what was meant."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any


def short(text: str, most: int = 80) -> str:
    """Cut a text to at most `most` characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def shown(value: object) -> str:
    """Return a value as the user wrote it, or its beginning, for a message."""
    return repr(short(value)) if isinstance(value, str) else short(repr(value))


def near(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """Return which of `known` the user may have meant, and the list of all."""
    match = get_close_matches(name.lower(), [other.lower() for other in known], n=1, cutoff=0.6)
    suggestion = next((f'did you mean "{other}"? ' for other in known if match and other.lower() == match[0]), "")
    return f"{suggestion}there are: {', '.join(known)}"
