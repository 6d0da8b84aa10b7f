"""Batch as it runs: the function's handler, and S3 and SQS over HTTP from moto's server, in this process."""

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
    started = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@dataclass
class Aws:
    """Two buckets and two queues of this test's own, wired as the template does it."""

    s3: Any
    sqs: Any
    incoming: str
    scores: str
    queue: str
    dead: str
    environment: dict[str, str]

    def put(self, key: str, body: bytes | Path, **said: Any) -> str:
        """Put an object under incoming/as_of=.../ and return its key."""
        key = f"incoming/as_of={AS_OF}/{key}"
        content = body.read_bytes() if isinstance(body, Path) else body
        self.s3.put_object(Bucket=self.incoming, Key=key, Body=content, **said)
        return key

    def event(self, key: str) -> dict[str, Any]:
        """The plain form of a notification."""
        return {"bucket": self.incoming, "key": key}

    def poll(self, rounds: int = 30) -> list[dict[str, Any]]:
        """Do as Lambda does: take messages, call the function, delete those that did not fail."""
        answers = []
        for _ in range(rounds):
            asked = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"]}
            messages = self.sqs.receive_message(QueueUrl=self.queue, **asked).get("Messages", [])
            if not messages:
                break
            answer = handle({"Records": [self._record(each) for each in messages]}, LocalContext("batch"))
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            for each in messages:
                if each["MessageId"] not in failed:
                    self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
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

    def impatient(self) -> None:
        """Let every message that waits for its next try come at once."""
        name = self.queue.rpartition("/")[2]
        from moto.sqs.models import sqs_backends  # noqa: PLC0415 - moto's own state, after its server has started

        for message in sqs_backends["123456789012"]["us-east-1"].queues[name]._messages:  # noqa: SLF001 - moto's own state, after its server has started
            message.visible_at = 0

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return what lies in the dead-letter queue."""
        asked = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "VisibilityTimeout": 0}
        found: list[dict[str, Any]] = self.sqs.receive_message(QueueUrl=self.dead, **asked).get("Messages", [])
        return found

    def written(self, below: str = "scores/") -> dict[str, bytes]:
        """Everything under scores/ or another prefix, by key."""
        listed = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.scores, Prefix=below)
        keys = [each["Key"] for page in listed for each in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.scores, Key=key)["Body"].read() for key in keys}

    def manifests(self, below: str = "scores/") -> list[dict[str, Any]]:
        """Every result's manifest."""
        return [json.loads(body) for key, body in self.written(below).items() if key.endswith("_manifest.json")]


@pytest.fixture
def aws(server: str, cold: pytest.MonkeyPatch, bundle_folder: Path) -> Iterator[Aws]:
    """A simulated AWS, and a process of the function that uses it."""
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
    told = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket=f"{stem}-incoming", NotificationConfiguration={"QueueConfigurations": told}
    )
    environment["REGULARS_DEAD_LETTERS"] = dead
    cold.setenv("REGULARS_DEAD_LETTERS", dead)
    made = Aws(s3, sqs, f"{stem}-incoming", f"{stem}-scores", queue, dead, environment)
    yield made
    for client in (s3, sqs):
        client.close()


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A small shop's orders as CSV: 202 rows, 41 customers, one row that no date parses, one customer too late."""
    file = tmp_path / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    return file


@pytest.fixture
def calls() -> list[str]:
    """The state machine's steps that were taken."""
    return []


@pytest.fixture
def machine(cold: pytest.MonkeyPatch, bundle_folder: Path, calls: list[str]) -> Iterator[str]:
    """The state machine's ARN, in a simulated AWS in which Lambda is the handler."""
    with simulated(cold, bundle_folder, calls) as arn:
        yield arn


@pytest.fixture
def world(aws: Aws, cold: pytest.MonkeyPatch, orders: Path, tmp_path: Path) -> Iterator[Any]:
    """A fault's surroundings; a message's first try is its last, so that its reason shows at once."""
    from tests.regulars.batch.environment import FaultEnvironment  # noqa: PLC0415 - it is made of what stands above

    made = FaultEnvironment(aws, tmp_path, orders, cold)
    made.set(REGULARS_MAX_TRIES=1)
    yield made
    source.client.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def written(request: pytest.FixtureRequest) -> Iterator[None]:
    """Write a module's table of faults where that is asked for."""
    yield
    table = getattr(request.module, "TABLE", None)
    if table is not None:
        table.write()
