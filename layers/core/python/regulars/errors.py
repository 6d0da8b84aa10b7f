"""Every error a user can meet. One sentence each: when do they see it?

Regulars raises these low, where cause and next step are known; the CLI prints the message and exits 2,
`regulars.api.app` turns the same object into an HTTP answer with the class's `status`.
"""

from typing import ClassVar


class RegularsError(Exception):
    """Anything that Regulars itself refuses; the message names the cause and the next step."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal-error"
    """The problem type that a caller of the API sees; docs/api.md tells what each means."""


class SettingsError(RegularsError):
    """The environment lacks a setting or holds one that cannot be understood."""


class SourceError(RegularsError):
    """A file that the user brought is missing, empty, unreadable or lacks a column."""

    status: ClassVar[int] = 422


class MapError(RegularsError):
    """The TOML map or an expression in it is wrong."""

    status: ClassVar[int] = 422


class CatalogueError(RegularsError):
    """The catalogue of actions, an expression in it, or what it yields for the customers at hand is wrong."""

    status: ClassVar[int] = 422


class LakeError(RegularsError):
    """A lake folder is absent, unfinished or holds a column of the wrong type."""


class HistoryError(RegularsError):
    """The history does not cover what was asked: too short, too few customers, or the wrong side of `as_of`."""

    status: ClassVar[int] = 422


class BundleError(RegularsError):
    """The bundle is absent, truncated, tampered with, or from another version."""

    status: ClassVar[int] = 503
    kind: ClassVar[str] = "no-usable-bundle"


class RequestError(RegularsError):
    """A request to the API breaks its contract as a whole (one bad customer alone is rejected, not raised)."""

    status: ClassVar[int] = 422
    kind: ClassVar[str] = "invalid-request"


class NobodyAnsweredError(RequestError):
    """Each of a request's customers was rejected."""

    kind: ClassVar[str] = "nobody-answered"


class NotJsonError(RequestError):
    """A request's body is not JSON."""

    status: ClassVar[int] = 400
    kind: ClassVar[str] = "not-json"


class MediaTypeError(RequestError):
    """A request says that its body is something else than JSON."""

    status: ClassVar[int] = 415
    kind: ClassVar[str] = "unsupported-media-type"


class LimitError(RequestError):
    """A request, or the answer to it, is larger than may be; `limit` names the setting, `value` is its value."""

    status: ClassVar[int] = 413
    kind: ClassVar[str] = "too-large"

    def __init__(self, message: str, limit: str, value: int) -> None:
        super().__init__(message)
        self.limit, self.value = limit, value
