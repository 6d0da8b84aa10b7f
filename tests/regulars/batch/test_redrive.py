"""Dead letters: told with their reasons, sent back once, and none lost on the way."""

import json
from pathlib import Path

import pytest

from regulars.errors import SourceError
from regulars_workbench.batch.redrive import Redrive
from tests.regulars.batch.conftest import Aws


def test_a_file_that_fails_is_tried_three_times_and_lies_there_with_its_reason(aws: Aws, orders: Path) -> None:
    aws.put("bad.csv", b"who,when\na,2025-01-01\n")
    aws.put("good.csv", orders)

    tries = []
    for _ in range(3):
        tries.append(aws.poll(rounds=1))
        aws.impatient()

    assert [len(answer["batchItemFailures"]) for [answer] in tries] == [1, 1, 0]
    assert len(aws.manifests()) == 1
    [letter] = aws.dead_letters()
    said = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert said["tries"] == "3"
    assert said["kind"] == "SourceError"
    assert "customer_id" in said["reason"]
    assert "bad.csv" in json.loads(letter["Body"])["Records"][0]["s3"]["object"]["key"]


def test_the_next_try_comes_within_minutes(aws: Aws) -> None:
    """The queue hides a message for hours, made for a run under way; a failed one is shown again soon."""
    aws.put("bad.csv", b"")
    aws.poll(rounds=1)
    from moto.sqs.models import sqs_backends  # noqa: PLC0415 - moto's own state, after its server has started

    [message] = sqs_backends["123456789012"]["us-east-1"].queues[aws.queue.rpartition("/")[2]]._messages  # noqa: SLF001 - moto's own state, after its server has started
    [now] = [message.sent_timestamp]
    assert 30_000 < message.visible_at - now < 120_000


def test_letters_go_back_and_are_scored_when_what_was_wrong_is_put_right(aws: Aws, orders: Path) -> None:
    key = aws.put("orders.csv", b"")
    for _ in range(3):
        aws.poll(rounds=1)
        aws.impatient()
    assert len(aws.dead_letters()) == 1
    aws.s3.put_object(Bucket=aws.incoming, Key=key, Body=orders.read_bytes())
    aws.sqs.purge_queue(QueueUrl=aws.queue)  # of the notification of the good file, to see the letter at work

    shown = list(Redrive(aws.sqs, aws.dead, aws.queue).letters(send=False))
    assert [(letter.inputs, letter.tries, letter.sent) for letter in shown] == [
        (f"s3://{aws.incoming}/{key}", "3", False)
    ]
    assert "empty" in shown[0].reason
    assert [letter.sent for letter in Redrive(aws.sqs, aws.dead, aws.queue).letters()] == [True]
    assert aws.dead_letters() == []
    aws.poll()
    assert len(aws.manifests()) == 1


def lay_down(aws: Aws, count: int) -> None:
    """Lay messages into the dead-letter queue."""
    own = {"trace": {"DataType": "String", "StringValue": "t1"}, "raw": {"DataType": "Binary", "BinaryValue": b"x"}}
    said = {"reason": {"DataType": "String", "StringValue": "it is empty"}}
    for number in range(count):
        body = json.dumps(aws.event(f"incoming/{number}.csv"))
        aws.sqs.send_message(QueueUrl=aws.dead, MessageBody=body, MessageAttributes=own | said)


def test_letters_that_were_only_shown_are_there_for_the_next(aws: Aws) -> None:
    lay_down(aws, 13)
    assert len(list(Redrive(aws.sqs, aws.dead, aws.queue).letters(send=False))) == 13
    assert len(list(Redrive(aws.sqs, aws.dead, aws.queue).letters())) == 13
    assert list(Redrive(aws.sqs, aws.dead, aws.queue).letters()) == []


def test_letters_go_back_with_what_was_theirs(aws: Aws) -> None:
    aws.sqs.purge_queue(QueueUrl=aws.queue)  # of S3's test message
    lay_down(aws, 1)
    list(Redrive(aws.sqs, aws.dead, aws.queue).letters())
    [message] = aws.sqs.receive_message(QueueUrl=aws.queue, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"]) == aws.event("incoming/0.csv")
    assert set(message["MessageAttributes"]) == {"trace", "raw"}
    assert message["MessageAttributes"]["raw"]["BinaryValue"] == b"x"


def test_what_could_not_be_sent_is_let_go(aws: Aws) -> None:
    lay_down(aws, 3)
    with pytest.raises(SourceError, match=r"^queue .*gone: .*; the stack's outputs have its name"):
        list(Redrive(aws.sqs, aws.dead, f"{aws.queue}-gone").letters())
    assert len(aws.dead_letters()) == 3


def test_a_queue_is_not_sent_back_to_itself(aws: Aws) -> None:
    with pytest.raises(SourceError, match="is both queues"):
        Redrive(aws.sqs, aws.dead, aws.dead.replace("127.0.0.1", "localhost")).check()


def test_what_others_hold_is_counted(aws: Aws) -> None:
    lay_down(aws, 2)
    aws.sqs.receive_message(QueueUrl=aws.dead, MaxNumberOfMessages=1, VisibilityTimeout=60)
    assert Redrive(aws.sqs, aws.dead, aws.queue).check() == 1
