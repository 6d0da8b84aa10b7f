"""Messages with several records, from SNS, and malformed ones: each file fails alone, each error says what to send."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from regulars.batch.handler import handle
from regulars.batch.score import score_object
from regulars.errors import RegularsError, SourceError
from regulars_workbench.invoke import LocalContext
from tests.conftest import ROOT, forget_process
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.shop import AS_OF
from tests.regulars.batch.test_events import s3 as notification


def records(aws: Aws, *keys: str) -> dict[str, Any]:
    """S3's own message about several objects."""
    details = [{"bucket": {"name": aws.incoming}, "object": {"key": key}} for key in keys]
    return {"Records": [{"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": detail} for detail in details]}


def eventbridge(aws: Aws, key: str) -> dict[str, Any]:
    """EventBridge's message about an object."""
    detail = {"bucket": {"name": aws.incoming}, "object": {"key": key}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def sns(message: dict[str, Any]) -> dict[str, Any]:
    """Lambda's event from SNS."""
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": json.dumps(message)}}]}


def test_one_bad_record_does_not_keep_the_others_from_being_scored(
    aws: Aws, cold: pytest.MonkeyPatch, orders: Path
) -> None:
    bad, good = aws.put("bad.csv", b""), aws.put("good.csv", orders)
    with pytest.raises(SourceError, match=rf"s3://{aws.incoming}/{bad}: bad.csv is empty"):
        handle(records(aws, bad, good), None)
    assert len(aws.manifests()) == 1

    cold.setenv("REGULARS_MAX_TRIES", "1")
    forget_process()
    aws.sqs.purge_queue(QueueUrl=aws.queue)
    aws.sqs.send_message(QueueUrl=aws.queue, MessageBody=json.dumps(records(aws, bad, good)))
    aws.poll()
    [letter] = aws.dead_letters()
    assert letter["MessageAttributes"]["kind"]["StringValue"] == "SourceError"
    assert f"{bad}: bad.csv is empty" in letter["MessageAttributes"]["reason"]["StringValue"]


def test_several_bad_records_are_each_named(aws: Aws, orders: Path) -> None:
    first, good, second = aws.put("one.csv", b""), aws.put("good.csv", orders), aws.put("other.xlsx", b"PK")
    with pytest.raises(RegularsError) as caught:
        handle(records(aws, first, good, second), None)
    assert f"{first}: one.csv is empty" in str(caught.value)
    assert f"{second} has an unsupported file type" in str(caught.value)
    assert len(aws.manifests()) == 1


def test_other_errors_are_named_too(aws: Aws, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = aws.put("bad.csv", orders), aws.put("good.csv", orders)

    def fails(named: Any, *rest: Any) -> Any:
        if named.key == bad:
            raise MemoryError
        return score_object(named, *rest)

    monkeypatch.setattr("regulars.batch.handler.score_object", fails)
    with pytest.raises(RegularsError, match=rf"{bad}: out of memory"):
        handle(records(aws, bad, good), None)
    assert len(aws.manifests()) == 1
    with pytest.raises(MemoryError):
        handle(records(aws, bad), None)


def test_an_object_named_twice_is_scored_once(aws: Aws, orders: Path) -> None:
    key = aws.put("orders.csv", orders)
    assert len(handle(records(aws, key, key), None)["written"]) == 1


def test_sns_calls_the_function_directly(aws: Aws, orders: Path) -> None:
    key = aws.put("orders.csv", orders)
    [first] = handle(sns(records(aws, key)), None)["written"]
    assert handle(sns(eventbridge(aws, key)), None)["written"] == [first]
    assert handle(sns({"Event": "s3:TestEvent"}), None)["written"] == []
    assert len(aws.manifests()) == 1


def test_eventbridge_comes_through_sns_and_sqs(aws: Aws, orders: Path) -> None:
    key = aws.put("orders.csv", orders)
    aws.sqs.purge_queue(QueueUrl=aws.queue)
    body = {"Type": "Notification", "Message": json.dumps(eventbridge(aws, key))}
    aws.sqs.send_message(QueueUrl=aws.queue, MessageBody=json.dumps(body))
    [answer] = aws.poll()
    assert answer["batchItemFailures"] == []
    assert len(aws.manifests()) == 1


SEND = r"the message is .*; send S3's or EventBridge's notification"
MALFORMED: list[tuple[Any, str]] = [
    (None, SEND),
    ([], SEND),
    ("text", SEND),
    (3, SEND),
    ({}, "the message is an object without content; send"),
    ({"Records": {}}, SEND),
    ({"Records": {"a": 1}}, SEND),
    ({"Records": [None]}, SEND),
    ({"Records": ["text"]}, SEND),
    ({"Records": [{"eventSource": "aws:sqs"}, None]}, SEND),
    ({"Records": "text"}, SEND),
    ({"Records": [{"Sns": None}]}, SEND),
    ({"Records": [{"Sns": {"Message": 3}}]}, SEND),
    ({"Records": [{"Sns": {"Message": "{"}}]}, "the message is not JSON"),
    ({"bucket": None, "key": ["a"]}, SEND),
    ({"bucket": "no such bucket!", "key": "orders.csv"}, "'no such bucket!' is not a bucket name"),
    (notification() | {"Event": 3} | {"Records": [{"s3": {"bucket": {"name": 1}, "object": {"key": "a"}}}]}, SEND),
    ({"step": ["plan"]}, r"there is no step \"\['plan'\]\"; the steps are plan, stage"),
    ({"step": None}, "there is no step 'None'; the steps are plan"),
    ({"step": "plan"}, "step plan: input: field required; see statemachine/batch.asl.json"),
    ({"step": "plan", "input": "s3://shop/incoming/"}, "step plan: input: "),
    ({"step": "plan", "input": {"bucket": "shop"}}, r"step plan: input\.prefix: field required"),
    ({"step": "plan", "input": {"bucket": "b!", "prefix": "a/"}}, "'b!' is not a bucket name"),
    ({"step": "plan", "input": {"bucket": "b", "prefix": "a/", "buckets": "x"}}, r"step plan: input\.buckets: "),
    ({"step": "split"}, "step split: run: field required"),
    ({"step": "split", "run": "0123456789abcdef", "item": {"key": "a"}}, r"step split: item\.number: field required"),
    ({"step": "score", "run": "0123456789abcdef", "item": 3}, "step score: item: "),
    ({"step": "score", "run": "../elsewhere", "item": {"bucket": 0}}, "step score: run: "),
    ({"step": "collect"}, "step collect: run: field required"),
]


@pytest.mark.parametrize(("event", "message"), MALFORMED, ids=lambda event: json.dumps(event)[:50])
def test_a_malformed_event_is_refused_with_the_expected_form(aws: Aws, event: Any, message: str) -> None:
    handler = runpy.run_path(str(ROOT / "functions" / "batch" / "app.py"))["handler"]
    with pytest.raises(SourceError, match=message):
        handler(event, LocalContext("batch"))
    assert aws.written() == {}


FILE = {"number": 0, "table": "orders", "bucket": "b", "key": "k", "etag": "e", "version_id": None, "bytes": 1}


@pytest.mark.parametrize(
    ("step", "more"), [("split", {"item": FILE}), ("score", {"item": {"bucket": 0}}), ("collect", {})]
)
@pytest.mark.usefixtures("aws")
def test_a_run_without_a_plan_is_an_error(step: str, more: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match="run 0123456789abcdef has no plan; start the state machine again"):
        handle({"step": step, "run": "0123456789abcdef", **more}, None)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"orders": ' * 100_000, b"{", b"[1]", b"null"])
def test_a_manifest_that_is_not_valid_is_refused(aws: Aws, body: bytes) -> None:
    key = aws.put("night.manifest.json", body)
    with pytest.raises(SourceError, match=rf"s3://{aws.incoming}/incoming/as_of={AS_OF}/night.manifest.json"):
        handle(aws.event(key), None)


def test_a_message_nested_too_deep_is_not_json(aws: Aws) -> None:
    aws.sqs.send_message(QueueUrl=aws.queue, MessageBody="[" * 100_000)
    [answer] = aws.poll()
    assert len(answer["batchItemFailures"]) == 1
