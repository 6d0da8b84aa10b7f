"""Dead letters: told with their reasons, sent back once, and none lost on the way."""

import json
from pathlib import Path

import boto3

from tests.batch.conftest import Aws
from training.batch.redrive import redrive


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

    sqs = boto3.client("sqs")
    shown = list(redrive(sqs, aws.dead, aws.queue, send=False))
    assert [(letter.inputs, letter.tries, letter.sent) for letter in shown] == [
        (f"s3://{aws.incoming}/{key}", "3", False)
    ]
    assert "empty" in shown[0].reason
    sqs.close()

    from moto.sqs.models import sqs_backends  # noqa: PLC0415 - moto's own state, after its server has started

    for message in sqs_backends["123456789012"]["us-east-1"].queues[aws.dead.rpartition("/")[2]]._messages:  # noqa: SLF001 - moto's own state, after its server has started
        message.visible_at = 0  # what was shown is hidden for two minutes
    assert [letter.sent for letter in redrive(aws.sqs, aws.dead, aws.queue)] == [True]
    assert aws.dead_letters() == []
    aws.poll()
    assert len(aws.manifests()) == 1
