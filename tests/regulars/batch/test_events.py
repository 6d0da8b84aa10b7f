"""What notifications name, in each form in which they arrive."""

import json
from typing import Any

import pytest

from regulars.batch.events import S3Location, created_objects, parse_message
from regulars.errors import SourceError

KEY = "incoming/as_of=2026-06-30/été + 100%.csv"
ENCODED = "incoming/as_of%3D2026-06-30/%C3%A9t%C3%A9+%2B+100%25.csv"
WANTED = [S3Location("shop", KEY)]


def s3(version: str = "2.1", event: str = "ObjectCreated:Put", **more: Any) -> dict[str, Any]:
    """S3's own message."""
    content = {"bucket": {"name": "shop"}, "object": {"key": ENCODED, **more}}
    return {"Records": [{"eventVersion": version, "eventSource": "aws:s3", "eventName": event, "s3": content}]}


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "2.9"])
def test_s3_messages_of_every_minor_version_have_encoded_keys(version: str) -> None:
    assert created_objects(s3(version, versionId="v1", sequencer="0A")) == WANTED


@pytest.mark.parametrize(
    "event", ["ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Put"]
)
def test_every_way_to_create_counts(event: str) -> None:
    assert created_objects(s3(event=event)) == WANTED


@pytest.mark.parametrize("event", ["ObjectRemoved:Delete", "ObjectRestore:Completed", "LifecycleExpiration:Delete"])
def test_what_is_not_created_is_nothing_to_score(event: str) -> None:
    assert created_objects(s3(event=event)) == []


def test_eventbridge_has_keys_as_they_are() -> None:
    event = {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"version": "0", "bucket": {"name": "shop"}, "object": {"key": KEY, "etag": "x"}},
    }
    assert created_objects(event) == WANTED
    assert created_objects(event | {"detail-type": "Object Deleted"}) == []


def test_sns_wraps_and_a_plain_one_names() -> None:
    assert created_objects({"Type": "Notification", "Message": json.dumps(s3())}) == WANTED
    assert created_objects({"bucket": "shop", "key": KEY}) == WANTED


def test_the_test_message_is_nothing_to_score() -> None:
    assert created_objects({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "shop"}) == []


@pytest.mark.parametrize(
    "event", [[], "text", None, {}, {"Records": [{}]}, {"Records": 3}, {"source": "aws.s3"}, s3("3.0")]
)
def test_what_is_none_of_these_is_refused(event: object) -> None:
    with pytest.raises(SourceError, match=r"the message is|S3 message version 3\.0"):
        created_objects(event)


def test_a_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(SourceError, match="no JSON"):
        parse_message("{")


@pytest.mark.parametrize(
    "key", ["in/map.toml", "in/", "in/_files/orders.csv", "_SUCCESS", "in/.hidden.csv", "in/_temporary/0/part.parquet"]
)
def test_what_belongs_to_something_else_is_left_alone(key: str) -> None:
    assert not S3Location("shop", key).is_input
    assert S3Location("shop", "in/orders.csv").is_input
