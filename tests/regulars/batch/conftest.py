"""The real handler, with S3 and SQS over HTTP from moto's server, all in this process."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto.server import ThreadedMotoServer

from regulars.batch.handler import handle
from regulars.batch.storage import source
from regulars_workbench.invoke import LocalContext
from tests.regulars.batch.shop import AS_OF, KEYS, orders_sql
from tests.regulars.batch.simulated_aws import simulated


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a simulated AWS."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@dataclass
class Aws:
    """A test's own two buckets and two queues, connected as in the template."""

    s3: Any
    sqs: Any
    incoming: str
    scores: str
    queue: str
    dead: str
    environment: dict[str, str]

    def put(self, key: str, body: bytes | Path, **options: Any) -> str:
        """Put an object under incoming/as_of=.../ and return its key."""
        key = f"incoming/as_of={AS_OF}/{key}"
        content = body.read_bytes() if isinstance(body, Path) else body
        self.s3.put_object(Bucket=self.incoming, Key=key, Body=content, **options)
        return key

    def event(self, key: str) -> dict[str, Any]:
        """The plain form of a notification."""
        return {"bucket": self.incoming, "key": key}

    def poll(self, rounds: int = 30) -> list[dict[str, Any]]:
        """Poll the queue like Lambda: receive messages, call the function, delete the messages that did not fail."""
        answers = []
        for _ in range(rounds):
            options = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"]}
            messages = self.sqs.receive_message(QueueUrl=self.queue, **options).get("Messages", [])
            if not messages:
                break
            answer = handle({"Records": [self._record(message) for message in messages]}, LocalContext("batch"))
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
            for message in messages:
                if message["MessageId"] not in failed:
                    self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            answers.append(answer)
        return answers

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self.queue.rpartition('/')[2]}",
            "awsRegion": "us-east-1",
            "messageId": message["MessageId"],
            "body": message["Body"],
            "receiptHandle": message["ReceiptHandle"],
            "attributes": message["Attributes"],
        }

    def show_all_messages(self) -> None:
        """Make messages that wait for their next try visible at once."""
        name = self.queue.rpartition("/")[2]
        from moto.sqs.models import sqs_backends  # noqa: PLC0415 - moto's own state, after its server has started

        for message in sqs_backends["123456789012"]["us-east-1"].queues[name]._messages:  # noqa: SLF001 - moto's own state, after its server has started
            message.visible_at = 0

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the messages in the dead-letter queue."""
        options = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "VisibilityTimeout": 0}
        letters: list[dict[str, Any]] = self.sqs.receive_message(QueueUrl=self.dead, **options).get("Messages", [])
        return letters

    def written(self, below: str = "scores/") -> dict[str, bytes]:
        """The objects in the output bucket below a prefix, by key."""
        listed = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.scores, Prefix=below)
        keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.scores, Key=key)["Body"].read() for key in keys}

    def manifests(self, below: str = "scores/") -> list[dict[str, Any]]:
        """The manifests of all results."""
        return [json.loads(body) for key, body in self.written(below).items() if key.endswith("_manifest.json")]


@pytest.fixture
def aws(server: str, cold: pytest.MonkeyPatch, bundle_folder: Path) -> Iterator[Aws]:
    """A simulated AWS, and this process set up as the function that uses it."""
    stem = f"t{uuid.uuid4().hex[:12]}"
    environment = {
        **KEYS,
        "AWS_ENDPOINT_URL": server,
        "REGULARS_BUNDLE": str(bundle_folder),
        "REGULARS_OUTPUT_BUCKET": f"{stem}-scores",
        "REGULARS_THREADS": "1",
    }
    for name, value in environment.items():
        cold.setenv(name, value)
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    for bucket in (f"{stem}-incoming", f"{stem}-scores"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=f"{stem}-incoming", VersioningConfiguration={"Status": "Enabled"})
    queue, dead = (sqs.create_queue(QueueName=f"{stem}-{name}")["QueueUrl"] for name in ("queue", "dead"))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    notifications = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket=f"{stem}-incoming", NotificationConfiguration={"QueueConfigurations": notifications}
    )
    environment["REGULARS_DEAD_LETTERS"] = dead
    cold.setenv("REGULARS_DEAD_LETTERS", dead)
    simulated_aws = Aws(s3, sqs, f"{stem}-incoming", f"{stem}-scores", queue, dead, environment)
    yield simulated_aws
    for client in (s3, sqs):
        client.close()


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A small shop's orders as CSV: 202 rows, 41 customers, one row without a valid date, one customer after as_of."""
    file = tmp_path / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    return file


@pytest.fixture
def calls() -> list[str]:
    """The names of the state machine's steps that were called."""
    return []


@pytest.fixture
def state_machine(cold: pytest.MonkeyPatch, bundle_folder: Path, calls: list[str]) -> Iterator[str]:
    """The state machine's ARN, in a simulated AWS whose Lambda calls the handler."""
    with simulated(cold, bundle_folder, calls) as arn:
        yield arn


@pytest.fixture
def environment(aws: Aws, cold: pytest.MonkeyPatch, orders: Path, tmp_path: Path) -> Iterator[Any]:
    """A fault's environment. A message's first try is its last, so that the dead letter is there at once."""
    from tests.regulars.batch.environment import FaultEnvironment  # noqa: PLC0415 - it imports this module

    fault_environment = FaultEnvironment(aws, tmp_path, orders, cold)
    fault_environment.set(REGULARS_MAX_TRIES=1)
    yield fault_environment
    source.client.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def documented(request: pytest.FixtureRequest) -> Iterator[None]:
    """Write a module's table of faults on request."""
    yield
    table = getattr(request.module, "TABLE", None)
    if table is not None:
        table.write()
