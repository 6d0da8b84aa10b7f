"""What a notification names, in each of the forms in which one arrives: S3's own, EventBridge's, SNS's, a plain one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from regulars.errors import SourceError

MAP = "map.toml"
MANIFEST = ".manifest.json"
CREATED = "ObjectCreated"
VERSION = "2"
"""The major version of S3's message that is understood; minor ones only add fields."""


@dataclass(frozen=True)
class Named:
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


def named(event: object) -> list[Named]:
    """Return the objects that an event names as created, keys as they are called; S3's own test message has none.

    SourceError when the event is in none of the known forms.
    """
    if not isinstance(event, dict):
        raise _unknown(event)
    if event.get("Event") == "s3:TestEvent":
        return []
    if event.get("Type") == "Notification" and isinstance(event.get("Message"), str):
        return named(parsed(event["Message"]))
    try:
        return list(_named(event))
    except (KeyError, TypeError, AttributeError) as error:
        raise _unknown(event) from error


def parsed(body: str) -> Any:  # noqa: ANN401 - what a message holds
    """Read a message's body as JSON; SourceError when it is none."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise SourceError("the message is no JSON; send S3's notification of a created object") from error


def _named(event: dict[str, Any]) -> Iterator[Named]:
    if event.get("source") == "aws.s3":  # EventBridge: keys as they are
        if event["detail-type"] == "Object Created":
            yield Named(event["detail"]["bucket"]["name"], event["detail"]["object"]["key"])
    elif "Records" in event:
        for record in event["Records"]:
            if str(record.get("eventVersion", VERSION)).partition(".")[0] != VERSION:
                raise SourceError(f"S3 message version {record['eventVersion']} is not known; version {VERSION}.x is")
            if record.get("eventName", CREATED).removeprefix("s3:").startswith(CREATED):
                # S3's messages have their keys URL-encoded, a space as a plus.
                yield Named(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
    else:
        yield Named(str(event["bucket"]), str(event["key"]))


def _unknown(event: object) -> SourceError:
    what = f"an object with {', '.join(sorted(map(str, event))[:5])}" if isinstance(event, dict) else "no JSON object"
    return SourceError(f'the message is {what}; send S3\'s or EventBridge\'s notification, or {{"bucket", "key"}}')
