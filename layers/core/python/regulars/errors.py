"""Every error a user can meet. One sentence each: when do they see it?

Regulars raises these low, where cause and next step are known; the CLI prints the message and exits 2,
`regulars.api` turns the same object into an HTTP answer with the class's `status`.
"""

from typing import ClassVar


class RegularsError(Exception):
    """Anything that Regulars itself refuses; the message names the cause and the next step."""

    status: ClassVar[int] = 500


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


class RequestError(RegularsError):
    """A request to the API breaks its contract as a whole (one bad customer alone is rejected, not raised)."""

    status: ClassVar[int] = 422


class TooManyCustomersError(RequestError):
    """A request holds more customers than one request may."""

    status: ClassVar[int] = 413
