"""What a notification names, in each of the forms in which one arrives: S3's own, EventBridge's, SNS's, a plain one."""

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
"""What boto3 takes for a bucket: its name, or an access point's."""

VERSION = "2"
"""The major version of S3's message that is understood; minor ones only add fields."""


@dataclass(frozen=True)
class S3Location:
    """One object by its name."""

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
        """Say whether the object lists the files to score together."""
        return self.name.endswith(MANIFEST)

    @property
    def is_input(self) -> bool:
        """Say whether the object is scored by itself: no map, no folder, nothing hidden by a name with _ or . first."""
        hidden = any(part.startswith(("_", ".")) for part in self.key.split("/"))
        return bool(self.name) and self.name != MAP and not hidden


def created_objects(event: object) -> list[S3Location]:
    """Return the objects that an event names as created, keys as they are called; S3's own test message has none.

    SourceError when the event is in none of the known forms.
    """
    if not isinstance(event, dict):
        raise _unknown(event)
    if event.get("Event") == "s3:TestEvent":
        return []
    if event.get("Type") == "Notification" and isinstance(event.get("Message"), str):
        return created_objects(parse_message(event["Message"]))
    try:
        objects = list(_named(event))
        "".join(each.key for each in objects).encode()
    except (KeyError, TypeError, AttributeError, UnicodeEncodeError) as error:
        raise _unknown(event) from error
    return objects


def parse_message(body: str) -> Any:  # noqa: ANN401 - what a message holds
    """Read a message's body as JSON; SourceError when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError("the message is no JSON; send S3's notification of a created object") from error


def _named(event: dict[str, Any]) -> Iterator[S3Location]:
    if event.get("source") == "aws.s3":  # EventBridge: keys as they are
        if event["detail-type"] == "Object Created":
            yield _object(event["detail"]["bucket"]["name"], event["detail"]["object"]["key"])
    elif "Records" in event:
        if not isinstance(event["Records"], list):
            raise TypeError("records are a list")
        for record in event["Records"]:
            yield from created_objects(parse_message(record["Sns"]["Message"])) if "Sns" in record else _of_s3(record)
    else:
        yield _object(event["bucket"], event["key"])


def _of_s3(record: dict[str, Any]) -> Iterator[S3Location]:
    if str(record.get("eventVersion", VERSION)).partition(".")[0] != VERSION:
        raise SourceError(f"S3 message version {record['eventVersion']} is not known; version {VERSION}.x is")
    if record.get("eventName", CREATED).removeprefix("s3:").startswith(CREATED):
        # S3's messages have their keys URL-encoded, a space as a plus.
        yield _object(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))


def _object(bucket: object, key: object) -> S3Location:
    """Return the object so named; TypeError when one is no text, SourceError when no bucket can be called that."""
    if not isinstance(bucket, str) or not isinstance(key, str):
        raise TypeError("bucket and key are text")
    check_bucket(bucket)
    return S3Location(bucket, key)


def check_bucket(name: str) -> None:
    """Raise SourceError when no bucket can be called that."""
    if not BUCKET.fullmatch(name):
        raise SourceError(f"{name[:80]!r} is no bucket's name; say it without s3:// and without a slash")


def _unknown(event: object) -> SourceError:
    form = 'S3\'s or EventBridge\'s notification, or {"bucket", "key"}'
    return SourceError(f"the message is {_shown(event)}; send {form}")


def _shown(event: object) -> str:
    if not isinstance(event, dict):
        return "no JSON object"
    listed = ", ".join(sorted(str(key)[:40] for key in event)[:5])
    return f"an object with {listed}" if event else "an object without content"
