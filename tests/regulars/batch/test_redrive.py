"""Dead letters: shown with their reasons, sent back once, and never lost."""

import json
from pathlib import Path

import pytest

from regulars.errors import SourceError
from regulars_workbench.batch.redrive import Redrive
from tests.regulars.batch.conftest import Aws


def test_a_file_that_fails_three_times_is_a_dead_letter_with_the_reason(aws: Aws, orders: Path) -> None:
    aws.put("bad.csv", b"who,when\na,2025-01-01\n")
    aws.put("good.csv", orders)

    tries = []
    for _ in range(3):
        tries.append(aws.poll(rounds=1))
        aws.show_all_messages()

    assert [len(answer["batchItemFailures"]) for [answer] in tries] == [1, 1, 0]
    assert len(aws.manifests()) == 1
    [letter] = aws.dead_letters()
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["tries"] == "3"
    assert attributes["kind"] == "SourceError"
    assert "customer_id" in attributes["reason"]
    assert "bad.csv" in json.loads(letter["Body"])["Records"][0]["s3"]["object"]["key"]


def test_the_next_try_comes_within_minutes(aws: Aws) -> None:
    """The queue hides a received message for hours, since a run may take long; a failed one is visible again soon."""
    aws.put("bad.csv", b"")
    aws.poll(rounds=1)
    from moto.sqs.models import sqs_backends  # noqa: PLC0415 - moto's own state, after its server has started

    [message] = sqs_backends["123456789012"]["us-east-1"].queues[aws.queue.rpartition("/")[2]]._messages  # noqa: SLF001 - moto's own state, after its server has started
    [now] = [message.sent_timestamp]
    assert 30_000 < message.visible_at - now < 120_000


def test_letters_are_sent_back_and_scored_after_the_file_is_corrected(aws: Aws, orders: Path) -> None:
    key = aws.put("orders.csv", b"")
    for _ in range(3):
        aws.poll(rounds=1)
        aws.show_all_messages()
    assert len(aws.dead_letters()) == 1
    aws.s3.put_object(Bucket=aws.incoming, Key=key, Body=orders.read_bytes())
    aws.sqs.purge_queue(QueueUrl=aws.queue)  # of the good file's notification: only the letter is left

    shown = list(Redrive(aws.sqs, aws.dead, aws.queue).letters(send=False))
    assert [(letter.inputs, letter.tries, letter.sent) for letter in shown] == [
        (f"s3://{aws.incoming}/{key}", "3", False)
    ]
    assert "empty" in shown[0].reason
    assert [letter.sent for letter in Redrive(aws.sqs, aws.dead, aws.queue).letters()] == [True]
    assert aws.dead_letters() == []
    aws.poll()
    assert len(aws.manifests()) == 1


def send_letters(aws: Aws, count: int) -> None:
    """Send messages to the dead-letter queue."""
    own = {"trace": {"DataType": "String", "StringValue": "t1"}, "raw": {"DataType": "Binary", "BinaryValue": b"x"}}
    added = {"reason": {"DataType": "String", "StringValue": "it is empty"}}
    for number in range(count):
        body = json.dumps(aws.event(f"incoming/{number}.csv"))
        aws.sqs.send_message(QueueUrl=aws.dead, MessageBody=body, MessageAttributes=own | added)


def test_letters_that_were_only_shown_stay_in_the_queue(aws: Aws) -> None:
    send_letters(aws, 13)
    assert len(list(Redrive(aws.sqs, aws.dead, aws.queue).letters(send=False))) == 13
    assert len(list(Redrive(aws.sqs, aws.dead, aws.queue).letters())) == 13
    assert list(Redrive(aws.sqs, aws.dead, aws.queue).letters()) == []


def test_letters_are_sent_back_with_their_own_attributes(aws: Aws) -> None:
    aws.sqs.purge_queue(QueueUrl=aws.queue)  # of S3's test message
    send_letters(aws, 1)
    list(Redrive(aws.sqs, aws.dead, aws.queue).letters())
    [message] = aws.sqs.receive_message(QueueUrl=aws.queue, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"]) == aws.event("incoming/0.csv")
    assert set(message["MessageAttributes"]) == {"trace", "raw"}
    assert message["MessageAttributes"]["raw"]["BinaryValue"] == b"x"


def test_letters_that_could_not_be_sent_stay_in_the_queue(aws: Aws) -> None:
    send_letters(aws, 3)
    with pytest.raises(SourceError, match=r"^queue .*gone: .*; see the stack's outputs for its name"):
        list(Redrive(aws.sqs, aws.dead, f"{aws.queue}-gone").letters())
    assert len(aws.dead_letters()) == 3


def test_both_urls_of_one_queue_are_refused(aws: Aws) -> None:
    with pytest.raises(SourceError, match="is both queues"):
        Redrive(aws.sqs, aws.dead, aws.dead.replace("127.0.0.1", "localhost")).check()


def test_letters_received_by_others_are_counted(aws: Aws) -> None:
    send_letters(aws, 2)
    aws.sqs.receive_message(QueueUrl=aws.dead, MaxNumberOfMessages=1, VisibilityTimeout=60)
    assert Redrive(aws.sqs, aws.dead, aws.queue).check() == 1
