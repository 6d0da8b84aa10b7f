"""Every error that a user can see. Each docstring says when.

An error is raised where its cause and the next step are known. The CLI prints the message and exits with 2;
`regulars.api.app` turns it into an HTTP response with the class's `status`.
"""

from typing import ClassVar


class RegularsError(Exception):
    """Regulars refuses something; the message names the cause and the next step."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal-error"
    """The problem type in an API response; docs/api.md explains each."""


class SettingsError(RegularsError):
    """An environment variable is missing or invalid."""


class SourceError(RegularsError):
    """A file of the user is missing, empty or unreadable, or lacks a column."""

    status: ClassVar[int] = 422


class MapError(RegularsError):
    """The TOML map or an expression in it is wrong."""

    status: ClassVar[int] = 422


class CatalogueError(RegularsError):
    """The catalogue of actions is wrong, or an expression in it, or a value that an expression gives."""

    status: ClassVar[int] = 422


class LakeError(RegularsError):
    """A lake folder is missing or unfinished, or holds a column of the wrong type."""


class HistoryError(RegularsError):
    """The history cannot answer: it is too short, has too few customers, or lies on the wrong side of `as_of`."""

    status: ClassVar[int] = 422


class BundleError(RegularsError):
    """The bundle is missing, truncated or changed, or comes from another version."""

    status: ClassVar[int] = 503
    kind: ClassVar[str] = "no-usable-bundle"


class RequestError(RegularsError):
    """A whole API request is invalid; a single invalid customer is rejected without an error."""

    status: ClassVar[int] = 422
    kind: ClassVar[str] = "invalid-request"


class NobodyAnsweredError(RequestError):
    """All customers of a request were rejected."""

    kind: ClassVar[str] = "nobody-answered"


class NotJsonError(RequestError):
    """A request's body is not JSON."""

    status: ClassVar[int] = 400
    kind: ClassVar[str] = "not-json"


class MediaTypeError(RequestError):
    """The media type of a request is not JSON."""

    status: ClassVar[int] = 415
    kind: ClassVar[str] = "unsupported-media-type"


class LimitError(RequestError):
    """A request or its response is too large; `limit` names the setting, `value` is its value."""

    status: ClassVar[int] = 413
    kind: ClassVar[str] = "too-large"

    def __init__(self, message: str, limit: str, value: int) -> None:
        super().__init__(message)
        self.limit, self.value = limit, value
