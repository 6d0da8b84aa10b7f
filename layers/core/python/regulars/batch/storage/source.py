"""Read an S3 object in one version: all of its bytes, or an error."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from regulars.batch.events import S3Location
from regulars.errors import RegularsError, SourceError
from regulars.observability import logger

S3 = Any
"""A boto3 client. boto3 makes its classes at run time, so there is no static type."""

CHUNK = 1 << 20
TRIES = 4
RETRIES = {"mode": "standard", "max_attempts": 5}
"""boto3's own retries, with growing pauses."""

NOT_FOUND = ("404", "NoSuchKey", "NoSuchVersion", "NotFound")
CHANGED = ("412", "PreconditionFailed", "ConditionalRequestConflict", "409")


class ChangedError(RegularsError):
    """An object was replaced while it was being read or written."""


class StorageError(RegularsError):
    """S3 failed or closed the connection in each attempt."""

    status = 503


@dataclass(frozen=True)
class ObjectVersion:
    """One version of an object. Another object, or another version, is not equal."""

    location: S3Location
    etag: str
    version_id: str | None
    bytes: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, str | int | None]:
        """Return the object as a manifest holds it."""
        where = {"bucket": self.location.bucket, "key": self.location.key}
        return {**where, "etag": self.etag, "version_id": self.version_id, "bytes": self.bytes}


@cache
def client(service: str) -> Any:  # noqa: ANN401 - a boto3 client has no type of its own
    """Return this process's client of an AWS service, with retries."""
    import boto3  # noqa: PLC0415 - part of Lambda's runtime; only batch needs it
    from botocore.config import Config  # noqa: PLC0415 - part of Lambda's runtime; only batch needs it

    return boto3.client(service, config=Config(retries=dict(RETRIES), connect_timeout=5, read_timeout=60))


def error_code(error: Exception) -> str:
    """Return AWS's code of an error; empty when the error is not from AWS."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def find_object(s3: S3, location: S3Location) -> ObjectVersion | None:
    """Return an object's current version; None when it does not exist, SourceError when S3 denies access."""
    try:
        head = s3.head_object(Bucket=location.bucket, Key=location.key)
    except s3.exceptions.ClientError as error:
        if error_code(error) in NOT_FOUND:
            return None
        raise _unreadable(location, error) from error
    version_id = head.get("VersionId")
    metadata = dict(sorted(head.get("Metadata", {}).items()))
    return ObjectVersion(
        location, head["ETag"].strip('"'), None if version_id == "null" else version_id, head["ContentLength"], metadata
    )


def require_object(s3: S3, location: S3Location) -> ObjectVersion:
    """Return an object's current version; SourceError when it does not exist."""
    version = find_object(s3, location)
    if version is None:
        raise SourceError(f"{location} cannot be read: it does not exist; upload it, and it will be scored")
    return version


def fetch(s3: S3, version: ObjectVersion, local: Path, check_time: Callable[[], None] = lambda: None) -> None:
    """Write all bytes of this version of an object to `local`.

    Each of TRIES attempts continues where the last one ended. ChangedError when the object has been replaced,
    StorageError when all attempts fail. `check_time` is called for every chunk; it raises when time is up.
    """
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_bytes(b"")
    for attempt in range(1, TRIES + 1):
        try:
            _append_rest(s3, version, local, check_time)
        except s3.exceptions.ClientError as error:
            if error_code(error) in CHANGED or error_code(error) in NOT_FOUND:
                raise ChangedError(f"{version.location} was replaced while it was being read") from error
            raise _unreadable(version.location, error) from error
        except _connection_errors() as error:
            logger().warning("connection lost", extra={"attempt": attempt, "kind": type(error).__name__})
        if local.stat().st_size == version.bytes:
            return
    raise StorageError(
        f"{version.location}: the connection was lost {TRIES} times, "
        f"at {local.stat().st_size} of {version.bytes} bytes; try again later"
    )


def _connection_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import HTTPClientError, IncompleteReadError, ResponseStreamingError  # noqa: PLC0415 - part of Lambda's runtime; only batch needs it
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - part of Lambda's runtime; only batch needs it

    return HTTPClientError, IncompleteReadError, ResponseStreamingError, HTTPError, ConnectionError


def _append_rest(s3: S3, version: ObjectVersion, local: Path, check_time: Callable[[], None]) -> None:
    have = local.stat().st_size
    if have >= version.bytes:
        return
    rest = {"Range": f"bytes={have}-"} if have else {}
    which = {"VersionId": version.version_id} if version.version_id else {}
    answer = s3.get_object(
        Bucket=version.location.bucket, Key=version.location.key, IfMatch=version.etag, **which, **rest
    )
    with local.open("ab") as out, closing(answer["Body"]) as body:
        for chunk in body.iter_chunks(CHUNK):
            check_time()
            out.write(chunk)


def _unreadable(location: S3Location, error: Exception) -> RegularsError:
    if error_code(error) in ("SlowDown", "ServiceUnavailable", "InternalError", "503", "500", "RequestTimeout"):
        return StorageError(f"{location} cannot be read now: S3 answered {error_code(error)}; try again later")
    return SourceError(f"{location} cannot be read: {error}")
