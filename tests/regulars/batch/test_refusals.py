"""Commands that call AWS: each error is one line with the next step, and exit status 2."""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.command_line import Run, command_line
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.shop import AS_OF

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def run(aws: Aws, cold: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("redrive", ...)` returns exit status, standard output and standard error."""
    assert aws

    command = command_line(cold, capsys, columns=250)

    def without_retries(*arguments: object, **variables: str | None) -> tuple[int, str, str]:
        cold.setattr(boto3, "DEFAULT_SESSION", None)
        return command(*arguments, **{"AWS_MAX_ATTEMPTS": "1", **variables})

    return without_retries


def refused(answer: tuple[int, str, str], *words: str) -> None:
    """Check that the error is one line with all the words, and exit status 2."""
    status, _, errors = answer
    lines = [line for line in errors.splitlines() if not line.startswith("INFO")]
    assert status == 2
    assert len(lines) == 1, errors
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("url", ["{}-none", "not a url", "arn:aws:sqs:us-east-1:123456789012:none", ""])
def test_a_missing_queue(run: Run, aws: Aws, url: str) -> None:
    url = url.format(aws.dead)
    refused(run("redrive", url, aws.queue), f"dead-letter queue {url}: ", "does not exist", "the stack's outputs")
    aws.sqs.send_message(QueueUrl=aws.dead, MessageBody="{}")
    refused(run("redrive", aws.dead, url), f"queue {url}: ", "does not exist", "the stack's outputs")
    assert len(aws.dead_letters()) == 1


def test_one_queue_for_both(run: Run, aws: Aws) -> None:
    refused(run("redrive", aws.dead, aws.dead), f"{aws.dead} is both queues")


STATE_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:none"


def test_a_missing_state_machine(run: Run, aws: Aws, orders: Path) -> None:
    aws.put("export/orders.csv", orders)
    source = f"s3://{aws.incoming}/incoming/as_of={AS_OF}/export/"
    refused(
        run("batch", source, "--machine", STATE_MACHINE),
        f"state machine {STATE_MACHINE}: ",
        "Does Not Exist",
        "outputs",
    )
    refused(run("batch", source, "--machine", "nonsense"), "state machine nonsense: ", "Invalid", "outputs")
    refused(run("batch", source, "--machine", ""), "no state machine; give --machine ARN")


def test_a_missing_bucket(run: Run) -> None:
    refused(
        run("batch", "s3://no-such-bucket-here/in/", "--machine", STATE_MACHINE),
        "no-such-bucket-here",
        "does not exist",
    )
    refused(run("batch", "s3://no such!/in/", "--machine", STATE_MACHINE), "'no such!' is not a bucket name")


def commands(aws: Aws) -> list[list[str]]:
    """A command that calls SQS, and one that calls Step Functions."""
    source = f"s3://{aws.incoming}/incoming/as_of={AS_OF}/"
    return [["redrive", aws.dead, aws.queue], ["batch", source, "--machine", STATE_MACHINE]]


@pytest.mark.parametrize("kind", [0, 1])
def test_aws_cannot_be_reached(run: Run, aws: Aws, kind: int, tmp_path: Path) -> None:
    command = commands(aws)[kind]
    refused(run(*command, AWS_ENDPOINT_URL=NOWHERE), "Could not connect", NOWHERE, "check the network")
    refused(run(*command, AWS_ENDPOINT_URL="nonsense"), "Invalid endpoint: nonsense", "AWS_ENDPOINT_URL")
    refused(run(*command, AWS_PROFILE="none"), "profile (none) could not be found", "AWS_PROFILE")
    no_files = {"AWS_PROFILE": None, "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_EC2_METADATA_DISABLED": "true"}
    no_files["AWS_SHARED_CREDENTIALS_FILE"] = str(tmp_path / "none")
    no_keys = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_ENDPOINT_URL": NOWHERE}
    refused(run(*command, **no_files, **no_keys), "Unable to locate credentials", "aws configure")


def test_a_missing_region(run: Run, aws: Aws, tmp_path: Path) -> None:
    no_region = {"AWS_DEFAULT_REGION": None, "AWS_REGION": None, "AWS_CONFIG_FILE": str(tmp_path / "none")}
    refused(run("redrive", aws.dead, aws.queue, **no_region), "no AWS region is set; set AWS_DEFAULT_REGION")


def test_a_dry_run_leaves_the_letters_in_the_queue(run: Run, aws: Aws) -> None:
    for key in ("a.csv", "b.csv"):
        aws.sqs.send_message(QueueUrl=aws.dead, MessageBody=json.dumps(aws.event(key)))
    status, output, _ = run("redrive", aws.dead, aws.queue, "--dry-run")
    assert (status, "2 dead letters, 0 sent back" in output) == (0, True)
    aws.sqs.receive_message(QueueUrl=aws.dead, MaxNumberOfMessages=1, VisibilityTimeout=60)
    status, output, _ = run("redrive", aws.dead, aws.queue)
    assert (status, "1 dead letters, 1 sent back" in output) == (0, True)
    assert "1 more are hidden" in output
    assert "No dead letters" in run("redrive", aws.dead, aws.queue)[1]


def test_commands_that_do_not_call_aws_do_not_import_boto3() -> None:
    program = (
        "import sys; from regulars_workbench.cli import app; sys.argv = ['regulars', 'models', '/nowhere']\n"
        "try: app.main()\nexcept SystemExit: print([name for name in ('boto3', 'botocore') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter and text
    assert done.stdout.strip() == "[]"
