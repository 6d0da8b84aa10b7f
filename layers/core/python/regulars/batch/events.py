"""S3 objects in a notification: from S3, from EventBridge, through SNS, or a plain {"bucket", "key"}."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from regulars.errors import SourceError

MAP = "map.toml"
MANIFEST = ".manifest.json"
CREATED = "ObjectCreated"
BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}|arn:[A-Za-z0-9:/._-]+")
"""What boto3 accepts as a bucket: a bucket's name, or the ARN of an access point."""

VERSION = "2"
"""The supported major version of S3's message. Minor versions only add fields."""


@dataclass(frozen=True)
class S3Location:
    """An object's bucket and key."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def folder(self) -> str:
        """The key up to its last slash."""
        return self.key.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The key after its last slash."""
        return self.key.rpartition("/")[2]

    @property
    def is_manifest(self) -> bool:
        """Whether the object is a manifest, which lists files to score together."""
        return self.name.endswith(MANIFEST)

    @property
    def is_input(self) -> bool:
        """Whether the object is scored on arrival: no map, no folder, no part of its key begins with _ or a dot."""
        hidden = any(part.startswith(("_", ".")) for part in self.key.split("/"))
        return bool(self.name) and self.name != MAP and not hidden


def created_objects(event: object) -> list[S3Location]:
    """Return the created objects in an event, with decoded keys; S3's test message has none.

    SourceError when the event has an unknown form.
    """
    if not isinstance(event, dict):
        raise _unknown(event)
    if event.get("Event") == "s3:TestEvent":
        return []
    if event.get("Type") == "Notification" and isinstance(event.get("Message"), str):
        return created_objects(parse_message(event["Message"]))
    try:
        objects = list(_parse(event))
        "".join(item.key for item in objects).encode()  # a key that is not UTF-8 raises here
    except (KeyError, TypeError, AttributeError, UnicodeEncodeError) as error:
        raise _unknown(event) from error
    return objects


def parse_message(body: str) -> Any:  # noqa: ANN401 - what a message holds
    """Parse a message's body as JSON; SourceError when it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError("the message is not JSON; send S3's notification of a created object") from error


def _parse(event: dict[str, Any]) -> Iterator[S3Location]:
    if event.get("source") == "aws.s3":  # EventBridge does not encode keys
        if event["detail-type"] == "Object Created":
            yield _object(event["detail"]["bucket"]["name"], event["detail"]["object"]["key"])
    elif "Records" in event:
        if not isinstance(event["Records"], list):
            raise TypeError("Records must be a list")
        for record in event["Records"]:
            yield from created_objects(parse_message(record["Sns"]["Message"])) if "Sns" in record else _of_s3(record)
    else:
        yield _object(event["bucket"], event["key"])


def _of_s3(record: dict[str, Any]) -> Iterator[S3Location]:
    if str(record.get("eventVersion", VERSION)).partition(".")[0] != VERSION:
        raise SourceError(f"S3 message version {record['eventVersion']} is not supported; only version {VERSION}.x is")
    if record.get("eventName", CREATED).removeprefix("s3:").startswith(CREATED):
        # S3 URL-encodes keys in its messages, a space as a plus.
        yield _object(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))


def _object(bucket: object, key: object) -> S3Location:
    """Return the location; TypeError when bucket or key is not text, SourceError when the bucket name is not valid."""
    if not isinstance(bucket, str) or not isinstance(key, str):
        raise TypeError("bucket and key must be text")
    check_bucket(bucket)
    return S3Location(bucket, key)


def check_bucket(name: str) -> None:
    """Raise SourceError when the name of a bucket is not valid."""
    if not BUCKET.fullmatch(name):
        raise SourceError(f"{name[:80]!r} is not a bucket name; write it without s3:// and without a slash")


def _unknown(event: object) -> SourceError:
    form = 'S3\'s or EventBridge\'s notification, or {"bucket", "key"}'
    return SourceError(f"the message is {_describe(event)}; send {form}")


def _describe(event: object) -> str:
    if not isinstance(event, dict):
        return "not a JSON object"
    keys = ", ".join(sorted(str(key)[:40] for key in event)[:5])
    return f"an object with {keys}" if event else "an object without content"
