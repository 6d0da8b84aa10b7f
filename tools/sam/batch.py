"""The batch function in containers: its own event, and fifty files through a queue, from S3 to S3, all simulated."""

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
from tools.sam.files import Input, inputs, orders, written
from tools.sam.serve import serving
from tools.sam.shell import ask, say

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
FUNCTION, EVENT = "BatchFunction", "functions/batch/event.json"
FOLDER = "incoming/as_of=2026-07-01"
AT_ONCE, ROUNDS = 10, 30
"""Messages of an event, and events at most; a message that fails comes three times."""

LONGEST_S = 900


def batch(image: str, docker: Mapping[str, str], overrides: Sequence[str]) -> bool:
    """Run the function on its own event and on fifty files; True when every row is accounted for."""
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
    """Return the options that turn the function to the simulated AWS.

    sam sets only variables that the template has, so a copy of the built one gets AWS_ENDPOINT_URL besides.
    """
    template = yaml.safe_load(BUILT.read_text(encoding="utf-8"))
    template["Resources"][FUNCTION]["Properties"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
    copy = BUILT.with_name("batch.yaml")  # beside it: its paths are relative
    copy.write_text(yaml.safe_dump(template), encoding="utf-8")
    variables = folder / "variables.json"
    variables.write_text(json.dumps({FUNCTION: aws.environment()}), encoding="utf-8")
    return ["--template", str(copy), "--env-vars", str(variables), "--docker-network", aws.network]


def _own(folder: Path) -> Input:
    """Return orders for the place that the function's own event points to."""
    [points] = created_objects(json.loads((ROOT / EVENT).read_bytes()))
    return Input(points.key, written(folder, orders(0), "header"))


def _invoke(options: Sequence[str], docker: Mapping[str, str]) -> bool:
    """Invoke the function with its own event in a container of its own; True when it says what it has written."""
    command = ["sam", "local", "invoke", FUNCTION, "-e", EVENT, "--skip-pull-image", *options]
    said = ask(*command, env=docker)
    say(f"$ {' '.join(command)}")
    good = '"written"' in said.stdout
    say("\n".join(line for line in said.stderr.splitlines() if line.startswith("REPORT")) if good else said.stderr)
    say(f"batch: {said.stdout.strip().splitlines()[-1] if good else 'nothing written'}")
    return good


def _put(aws: Aws, files: Sequence[Input]) -> None:
    for each in files:
        for key, body in each.beside.items():
            aws.put(key, body)
        aws.put(each.key, each.body)


@contextmanager
def _function(options: Sequence[str], docker: Mapping[str, str]) -> Iterator[Any]:
    """Serve the function from a warm container as long as the block lasts; yield a client of it."""
    patient = Config(read_timeout=LONGEST_S, retries={"total_max_attempts": 1})
    with serving("start-lambda", [FUNCTION, "--warm-containers", "LAZY", *options], docker, _listens) as port:
        yield boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{port}", config=patient, **KEYS)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _poll(aws: Aws, function: Any) -> int:  # noqa: ANN401 - a boto3 client has no type of its own
    """Do as Lambda does: take messages, call the function, delete those that did not fail; return how many did."""
    failures = 0
    for _ in range(ROUNDS):
        messages = aws.messages(AT_ONCE)
        if not messages:
            break
        event = json.dumps({"Records": [_record(each) for each in messages]})
        answer = json.loads(function.invoke(FunctionName=FUNCTION, Payload=event)["Payload"].read())
        if "batchItemFailures" not in answer:
            raise RuntimeError(f"batch answered {answer}")
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for each in messages:
            aws.settle(each, failed=each["MessageId"] in failed)
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
