"""The batch function in containers: its own event, then fifty files through a queue. S3 and SQS are simulated."""

import json
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config

from regulars.batch.events import created_objects
from tools.sam.aws import KEYS, Aws, simulated
from tools.sam.balance import accounted
from tools.sam.files import Input, file_of, inputs, orders
from tools.sam.serve import serving
from tools.sam.shell import capture, say

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
FUNCTION, EVENT = "BatchFunction", "functions/batch/event.json"
FOLDER = "incoming/as_of=2026-07-01"
AT_ONCE, ROUNDS = 10, 30
"""Messages in an event, and the most events. A message that fails comes three times."""

LONGEST_S = 900


def batch(image: str, docker: Mapping[str, str], overrides: Sequence[str]) -> bool:
    """Run the function on its own event and on fifty files; True when every row is counted."""
    with simulated(image, docker) as aws, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = [*_options(folder, aws), *overrides]
        own = _own(folder)
        aws.put(own.key, own.body)
        answered = _invoke(options, docker)
        files = inputs(folder, FOLDER)
        _put(aws, files)
        with _function(options, docker) as function:
            failures = _poll(aws, function)
        return accounted(aws, [own, *files], failures, folder) and answered


def _options(folder: Path, aws: Aws) -> list[str]:
    """Return the options that point the function to the simulated AWS.

    sam sets only variables that the template names, so a copy of the built template also names AWS_ENDPOINT_URL.
    """
    template = yaml.safe_load(BUILT.read_text(encoding="utf-8"))
    template["Resources"][FUNCTION]["Properties"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
    copy = BUILT.with_name("batch.yaml")  # in the same folder, because its paths are relative
    copy.write_text(yaml.safe_dump(template), encoding="utf-8")
    variables = folder / "variables.json"
    variables.write_text(json.dumps({FUNCTION: aws.environment()}), encoding="utf-8")
    return ["--template", str(copy), "--env-vars", str(variables), "--docker-network", aws.network]


def _own(folder: Path) -> Input:
    """Return orders under the key that the function's own event names."""
    [named] = created_objects(json.loads((ROOT / EVENT).read_bytes()))
    return Input(named.key, file_of(folder, orders(0), "header"))


def _invoke(options: Sequence[str], docker: Mapping[str, str]) -> bool:
    """Invoke the function with its own event in a new container; True when it answers what it has written."""
    command = ["sam", "local", "invoke", FUNCTION, "-e", EVENT, "--skip-pull-image", *options]
    done = capture(*command, env=docker)
    say(f"$ {' '.join(command)}")
    succeeded = '"written"' in done.stdout
    say("\n".join(line for line in done.stderr.splitlines() if line.startswith("REPORT")) if succeeded else done.stderr)
    say(f"batch: {done.stdout.strip().splitlines()[-1] if succeeded else 'nothing written'}")
    return succeeded


def _put(aws: Aws, files: Sequence[Input]) -> None:
    for file in files:
        for key, body in file.beside.items():
            aws.put(key, body)
        aws.put(file.key, file.body)


@contextmanager
def _function(options: Sequence[str], docker: Mapping[str, str]) -> Iterator[Any]:
    """Serve the function from a warm container as long as the block lasts; yield a client for it."""
    config = Config(read_timeout=LONGEST_S, retries={"total_max_attempts": 1})
    with serving("start-lambda", [FUNCTION, "--warm-containers", "LAZY", *options], docker, _listens) as port:
        yield boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{port}", config=config, **KEYS)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _poll(aws: Aws, function: Any) -> int:  # noqa: ANN401 - a boto3 client has no type of its own
    """Poll as Lambda does: receive messages, call the function, delete what succeeded; return the count of failures."""
    failures = 0
    for _ in range(ROUNDS):
        messages = aws.messages(AT_ONCE)
        if not messages:
            break
        event = json.dumps({"Records": [_record(message) for message in messages]})
        answer = json.loads(function.invoke(FunctionName=FUNCTION, Payload=event)["Payload"].read())
        if "batchItemFailures" not in answer:
            raise RuntimeError(f"batch answered {answer}")
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            aws.finish(message, failed=message["MessageId"] in failed)
        failures += len(failed)
    return failures


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:regulars",
        "awsRegion": "us-east-1",
        "messageId": message["MessageId"],
        "body": message["Body"],
        "receiptHandle": message["ReceiptHandle"],
        "attributes": message["Attributes"],
    }
