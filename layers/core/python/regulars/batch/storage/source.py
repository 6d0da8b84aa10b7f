"""An object of S3 as it was when looked at, and its bytes: those of that moment, whole, or none."""

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
"""A boto3 client: made at run time, it has no type of its own."""

CHUNK = 1 << 20
TRIES = 4
RETRIES = {"mode": "standard", "max_attempts": 5}
"""How boto3 itself tries again, with growing pauses."""

NOT_FOUND = ("404", "NoSuchKey", "NoSuchVersion", "NotFound")
CHANGED = ("412", "PreconditionFailed", "ConditionalRequestConflict", "409")


class ChangedError(RegularsError):
    """An object was replaced while it was being read or written."""


class StorageError(RegularsError):
    """S3 did not answer, or cut the connection, again and again."""

    status = 503


@dataclass(frozen=True)
class ObjectVersion:
    """An object as it was: what is not equal is another object, or another version of it."""

    location: S3Location
    etag: str
    version: str | None
    bytes: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, str | int | None]:
        """Return what a manifest says of it."""
        where = {"bucket": self.location.bucket, "key": self.location.key}
        return {**where, "etag": self.etag, "version_id": self.version, "bytes": self.bytes}


@cache
def client(service: str) -> Any:  # noqa: ANN401 - a boto3 client has no type of its own
    """Return this process's client of an AWS service, which tries again by itself for a while."""
    import boto3  # noqa: PLC0415 - Lambda's runtime brings it; only batch pays for it
    from botocore.config import Config  # noqa: PLC0415 - Lambda's runtime brings it; only batch pays for it

    return boto3.client(service, config=Config(retries=dict(RETRIES), connect_timeout=5, read_timeout=60))


def error_code(error: Exception) -> str:
    """Return S3's code of an error; empty when it is none of S3's."""
    said: dict[str, Any] = getattr(error, "response", {})
    return str(said.get("Error", {}).get("Code", ""))


def find_object(s3: S3, location: S3Location) -> ObjectVersion | None:
    """Look at an object without reading it; None when it is not there, SourceError when it may not be looked at."""
    try:
        head = s3.head_object(Bucket=location.bucket, Key=location.key)
    except s3.exceptions.ClientError as error:
        if error_code(error) in NOT_FOUND:
            return None
        raise _unreadable(location, error) from error
    version = head.get("VersionId")
    metadata = dict(sorted(head.get("Metadata", {}).items()))
    return ObjectVersion(
        location, head["ETag"].strip('"'), None if version == "null" else version, head["ContentLength"], metadata
    )


def require_object(s3: S3, location: S3Location) -> ObjectVersion:
    """Look at an object that must be there; SourceError when it is not."""
    seen = find_object(s3, location)
    if seen is None:
        raise SourceError(f"{location} cannot be read: it is not there; put it there, and it will be scored")
    return seen


def fetch(s3: S3, seen: ObjectVersion, local: Path, check_time: Callable[[], None] = lambda: None) -> None:
    """Write the object's bytes to `local`: those that were seen, all of them.

    ChangedError when the object has been replaced since; StorageError when it could not be had in TRIES attempts, each
    of which goes on where the last was cut. `check_time` is called with every chunk, to raise when time is up.
    """
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_bytes(b"")
    for attempt in range(1, TRIES + 1):
        try:
            _append(s3, seen, local, check_time)
        except s3.exceptions.ClientError as error:
            if error_code(error) in CHANGED or error_code(error) in NOT_FOUND:
                raise ChangedError(f"{seen.location} was replaced while it was read") from error
            raise _unreadable(seen.location, error) from error
        except _cut() as error:
            logger().warning("connection lost", extra={"attempt": attempt, "kind": type(error).__name__})
        if local.stat().st_size == seen.bytes:
            return
    raise StorageError(
        f"{seen.location} broke off {TRIES} times, at {local.stat().st_size} of {seen.bytes} bytes; try again later"
    )


def _cut() -> tuple[type[Exception], ...]:
    from botocore.exceptions import HTTPClientError, IncompleteReadError, ResponseStreamingError  # noqa: PLC0415 - Lambda's runtime brings it; only batch pays for it
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - Lambda's runtime brings it; only batch pays for it

    return HTTPClientError, IncompleteReadError, ResponseStreamingError, HTTPError, ConnectionError


def _append(s3: S3, seen: ObjectVersion, local: Path, check_time: Callable[[], None]) -> None:
    have = local.stat().st_size
    if have >= seen.bytes:
        return
    more = {"Range": f"bytes={have}-"} if have else {}
    version = {"VersionId": seen.version} if seen.version else {}
    answer = s3.get_object(Bucket=seen.location.bucket, Key=seen.location.key, IfMatch=seen.etag, **version, **more)
    with local.open("ab") as out, closing(answer["Body"]) as body:
        for chunk in body.iter_chunks(CHUNK):
            check_time()
            out.write(chunk)


def _unreadable(location: S3Location, error: Exception) -> RegularsError:
    if error_code(error) in ("SlowDown", "ServiceUnavailable", "InternalError", "503", "500", "RequestTimeout"):
        return StorageError(f"{location} cannot be read now: S3 answers {error_code(error)}; try again later")
    return SourceError(f"{location} cannot be read: {error}")
