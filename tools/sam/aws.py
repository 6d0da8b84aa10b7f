"""A simulated AWS on this host (moto), and a relay to it for the functions' containers.

It listens on 127.0.0.1 and on a socket file. A container cannot reach the host's 127.0.0.1. So a relay runs in a
container, in the functions' network, which has no other way out. It forwards requests to the socket file.
"""

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from tools.build import PYTHON
from tools.sam.shell import Skip, capture

INCOMING, SCORES = "regulars-input", "regulars-output"
"""Buckets; the first is that of functions/batch/event.json."""

KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
RELAY = f"regulars-relay-{os.getpid()}"
"""Name of this run's network, and of the relay's container in it."""
PORT = 5000
PROGRAM = f"/var/lang/bin/python{PYTHON}"
PROBE = f"""
import time, urllib.request
for pause in (0.1, 0.3, 1, 3, None):
    try:
        urllib.request.urlopen("http://127.0.0.1:{PORT}/moto-api/data.json", timeout=5).read()
        break
    except OSError:
        if pause is None:
            raise
        time.sleep(pause)
"""
"""Tests the relay from its own container. If the engine runs in a virtual machine, the socket file is not reachable."""


@dataclass(frozen=True)
class Aws:
    """Two buckets and two queues, connected as in the template."""

    s3: Any
    sqs: Any
    queue: str
    dead: str
    url: str
    """Address of the relay in the functions' network."""
    network: str = RELAY

    def put(self, key: str, body: bytes) -> None:
        """Put an object into the input bucket, which notifies the queue."""
        self.s3.put_object(Bucket=INCOMING, Key=key, Body=body)

    def written(self) -> dict[str, bytes]:
        """Return the objects of the output bucket by key."""
        listed = self.s3.get_paginator("list_objects_v2").paginate(Bucket=SCORES)
        keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=SCORES, Key=key)["Body"].read() for key in keys}

    def messages(self, most: int) -> list[dict[str, Any]]:
        """Receive at most `most` notifications from the queue."""
        request = {"QueueUrl": self.queue, "MaxNumberOfMessages": most, "AttributeNames": ["All"]}
        messages: list[dict[str, Any]] = self.sqs.receive_message(**request).get("Messages", [])
        return messages

    def finish(self, message: Mapping[str, Any], *, failed: bool) -> None:
        """Delete a message. If it failed, make it visible again at once, not after the delay that the function sets."""
        handle = {"QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"]}
        if failed:
            self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)
        else:
            self.sqs.delete_message(**handle)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Receive every message of the dead-letter queue."""
        request = {"QueueUrl": self.dead, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        letters: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(**request).get("Messages"):
            letters += batch
        return letters

    def environment(self) -> dict[str, str]:
        """Return the variables of the batch function that differ from the template's."""
        return {"AWS_ENDPOINT_URL": self.url, "REGULARS_OUTPUT_BUCKET": SCORES, "REGULARS_DEAD_LETTERS": self.dead}


@contextmanager
def simulated(image: str, docker: Mapping[str, str]) -> Iterator[Aws]:
    """Simulate AWS as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="aws-") as name:
        servers = [_start_server("127.0.0.1"), _start_server(f"unix://{name}/socket")]
        try:
            host, port = servers[0].get_host_and_port()
            with _relay(image, Path(name), docker) as url:
                yield _connect(f"http://{host}:{port}", url)
        finally:
            for server in servers:
                server.stop()


def _start_server(address: str) -> ThreadedMotoServer:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else it prints a line for each request
    server = ThreadedMotoServer(ip_address=address, port=0, verbose=False)
    server.start()
    return server


def _connect(endpoint: str, url: str) -> Aws:
    s3, sqs = (boto3.client(name, endpoint_url=endpoint, **KEYS) for name in ("s3", "sqs"))
    for bucket in (INCOMING, SCORES):
        s3.create_bucket(Bucket=bucket)
    queue, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("regulars", "regulars-dead"))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    notifications = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket=INCOMING, NotificationConfiguration={"QueueConfigurations": notifications}
    )
    return Aws(s3, sqs, queue, dead, url)


@contextmanager
def _relay(image: str, folder: Path, docker: Mapping[str, str]) -> Iterator[str]:
    """Run the relay as long as the block lasts; yield its address in the functions' network."""
    program = Path(__file__).with_name("relay.py")
    start = ["docker", "run", "--detach", "--rm", "--name", RELAY, "--network", RELAY]
    start += ["--volume", f"{folder}:/aws", "--volume", f"{program}:/relay.py:ro"]
    start += ["--entrypoint", PROGRAM, image, "/relay.py", "/aws/socket", str(PORT)]
    probe = ["docker", "exec", RELAY, PROGRAM, "-c", PROBE]
    try:
        for command in (["docker", "network", "create", "--internal", RELAY], start, probe):
            if (done := capture(*command, env=docker)).returncode:
                raise Skip(f"containers cannot reach the simulated S3: {done.stderr.strip()}")
        [container] = json.loads(capture("docker", "inspect", RELAY, env=docker).stdout)
        yield f"http://{container['NetworkSettings']['Networks'][RELAY]['IPAddress']}:{PORT}"
    finally:
        capture("docker", "rm", "--force", RELAY, env=docker)
        capture("docker", "network", "rm", RELAY, env=docker)
