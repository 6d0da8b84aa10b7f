"""A simulated AWS on this host (moto), and the way to it from the functions' containers.

It listens on 127.0.0.1 and on a socket file. A container's loopback is its own, so a relay, a container in a network
without a way out, hands on to the socket file what the functions' containers in the same network send it.
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
from tools.sam.shell import Skip, ask

INCOMING, SCORES = "regulars-input", "regulars-output"
"""Buckets; the first is that of functions/batch/event.json."""

KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
RELAY = f"regulars-relay-{os.getpid()}"
"""Name of a network of this run's own, and of the container in it."""
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
"""What the relay's own container tries: where its engine is in a machine of its own, no socket file leads out."""


@dataclass(frozen=True)
class Aws:
    """Two buckets and two queues, wired as the template does it."""

    s3: Any
    sqs: Any
    queue: str
    dead: str
    url: str
    """Where the functions' containers find it, in this network."""
    network: str = RELAY

    def put(self, key: str, body: bytes) -> None:
        """Put an object into the bucket that is watched."""
        self.s3.put_object(Bucket=INCOMING, Key=key, Body=body)

    def written(self) -> dict[str, bytes]:
        """Return everything that was written, by key."""
        listed = self.s3.get_paginator("list_objects_v2").paginate(Bucket=SCORES)
        keys = [each["Key"] for page in listed for each in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=SCORES, Key=key)["Body"].read() for key in keys}

    def messages(self, most: int) -> list[dict[str, Any]]:
        """Take notifications from the queue."""
        asked = {"QueueUrl": self.queue, "MaxNumberOfMessages": most, "AttributeNames": ["All"]}
        found: list[dict[str, Any]] = self.sqs.receive_message(**asked).get("Messages", [])
        return found

    def settle(self, message: Mapping[str, Any], *, failed: bool) -> None:
        """Delete a message, or let one that failed come again at once, not after the minutes that the function asks."""
        known = {"QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"]}
        if failed:
            self.sqs.change_message_visibility(**known, VisibilityTimeout=0)
        else:
            self.sqs.delete_message(**known)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Take every message out of the dead-letter queue."""
        asked = {"QueueUrl": self.dead, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        found: list[dict[str, Any]] = []
        while some := self.sqs.receive_message(**asked).get("Messages"):
            found += some
        return found

    def environment(self) -> dict[str, str]:
        """Return the variables of the batch function that differ from the template's."""
        return {"AWS_ENDPOINT_URL": self.url, "REGULARS_OUTPUT_BUCKET": SCORES, "REGULARS_DEAD_LETTERS": self.dead}


@contextmanager
def simulated(image: str, docker: Mapping[str, str]) -> Iterator[Aws]:
    """Run it as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="aws-") as name:
        servers = [_served("127.0.0.1"), _served(f"unix://{name}/socket")]
        try:
            host, port = servers[0].get_host_and_port()
            with _relay(image, Path(name), docker) as url:
                yield _wired(f"http://{host}:{port}", url)
        finally:
            for server in servers:
                server.stop()


def _served(address: str) -> ThreadedMotoServer:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server = ThreadedMotoServer(ip_address=address, port=0, verbose=False)
    server.start()
    return server


def _wired(here: str, url: str) -> Aws:
    s3, sqs = (boto3.client(name, endpoint_url=here, **KEYS) for name in ("s3", "sqs"))
    for bucket in (INCOMING, SCORES):
        s3.create_bucket(Bucket=bucket)
    queue, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("regulars", "regulars-dead"))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(Bucket=INCOMING, NotificationConfiguration={"QueueConfigurations": told})
    return Aws(s3, sqs, queue, dead, url)


@contextmanager
def _relay(image: str, folder: Path, docker: Mapping[str, str]) -> Iterator[str]:
    """Run the relay in its network; yield its address there."""
    program = Path(__file__).with_name("relay.py")
    start = ["docker", "run", "--detach", "--rm", "--name", RELAY, "--network", RELAY]
    start += ["--volume", f"{folder}:/aws", "--volume", f"{program}:/relay.py:ro"]
    start += ["--entrypoint", PROGRAM, image, "/relay.py", "/aws/socket", str(PORT)]
    probe = ["docker", "exec", RELAY, PROGRAM, "-c", PROBE]
    try:
        for command in (["docker", "network", "create", "--internal", RELAY], start, probe):
            if (done := ask(*command, env=docker)).returncode:
                raise Skip(f"containers have no way to a simulated S3: {done.stderr.strip()}")
        [found] = json.loads(ask("docker", "inspect", RELAY, env=docker).stdout)
        yield f"http://{found['NetworkSettings']['Networks'][RELAY]['IPAddress']}:{PORT}"
    finally:
        ask("docker", "rm", "--force", RELAY, env=docker)
        ask("docker", "network", "rm", RELAY, env=docker)
