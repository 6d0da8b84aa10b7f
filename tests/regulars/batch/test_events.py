"""S3 objects in notifications of each form."""

import json
from typing import Any

import pytest

from regulars.batch.events import S3Location, created_objects, parse_message
from regulars.errors import SourceError

KEY = "incoming/as_of=2026-06-30/été + 100%.csv"
ENCODED = "incoming/as_of%3D2026-06-30/%C3%A9t%C3%A9+%2B+100%25.csv"
EXPECTED = [S3Location("shop", KEY)]


def s3(version: str = "2.1", event: str = "ObjectCreated:Put", **more: Any) -> dict[str, Any]:
    """S3's own message."""
    content = {"bucket": {"name": "shop"}, "object": {"key": ENCODED, **more}}
    return {"Records": [{"eventVersion": version, "eventSource": "aws:s3", "eventName": event, "s3": content}]}


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "2.9"])
def test_s3_messages_of_every_minor_version_have_encoded_keys(version: str) -> None:
    assert created_objects(s3(version, versionId="v1", sequencer="0A")) == EXPECTED


@pytest.mark.parametrize(
    "event", ["ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Put"]
)
def test_every_kind_of_creation_counts(event: str) -> None:
    assert created_objects(s3(event=event)) == EXPECTED


@pytest.mark.parametrize("event", ["ObjectRemoved:Delete", "ObjectRestore:Completed", "LifecycleExpiration:Delete"])
def test_other_s3_events_have_no_input(event: str) -> None:
    assert created_objects(s3(event=event)) == []


def test_eventbridge_keys_are_not_encoded() -> None:
    event = {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"version": "0", "bucket": {"name": "shop"}, "object": {"key": KEY, "etag": "x"}},
    }
    assert created_objects(event) == EXPECTED
    assert created_objects(event | {"detail-type": "Object Deleted"}) == []


def test_sns_and_plain_messages_are_read() -> None:
    assert created_objects({"Type": "Notification", "Message": json.dumps(s3())}) == EXPECTED
    assert created_objects({"bucket": "shop", "key": KEY}) == EXPECTED


def test_the_test_message_has_no_input() -> None:
    assert created_objects({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "shop"}) == []


@pytest.mark.parametrize(
    "event", [[], "text", None, {}, {"Records": [{}]}, {"Records": 3}, {"source": "aws.s3"}, s3("3.0")]
)
def test_unknown_forms_are_refused(event: object) -> None:
    with pytest.raises(SourceError, match=r"the message is|S3 message version 3\.0"):
        created_objects(event)


def test_a_body_that_is_not_json_is_refused() -> None:
    with pytest.raises(SourceError, match="not JSON"):
        parse_message("{")


@pytest.mark.parametrize(
    "key", ["in/map.toml", "in/", "in/_files/orders.csv", "_SUCCESS", "in/.hidden.csv", "in/_temporary/0/part.parquet"]
)
def test_maps_folders_and_hidden_files_are_not_inputs(key: str) -> None:
    assert not S3Location("shop", key).is_input
    assert S3Location("shop", "in/orders.csv").is_input
