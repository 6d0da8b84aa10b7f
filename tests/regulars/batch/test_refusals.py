"""The commands that ask AWS: each refusal is one line that says what to do next, and exit status 2."""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.command_line import Run, command_line
from tests.regulars.batch.conftest import AS_OF, Aws

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def run(aws: Aws, cold: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("redrive", ...)` returns exit status, standard output and standard error."""
    assert aws

    command = command_line(cold, capsys, columns=250)

    def refused_soon(*arguments: object, **variables: str | None) -> tuple[int, str, str]:
        cold.setattr(boto3, "DEFAULT_SESSION", None)
        return command(*arguments, **{"AWS_MAX_ATTEMPTS": "1", **variables})

    return refused_soon


def refused(answer: tuple[int, str, str], *words: str) -> None:
    """Check for one line that has all the words, and for exit status 2."""
    status, _, said = answer
    lines = [line for line in said.splitlines() if not line.startswith("INFO")]
    assert status == 2
    assert len(lines) == 1, said
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("url", ["{}-none", "not a url", "arn:aws:sqs:us-east-1:123456789012:none", ""])
def test_a_queue_that_is_not_there(run: Run, aws: Aws, url: str) -> None:
    url = url.format(aws.dead)
    refused(run("redrive", url, aws.queue), f"dead-letter queue {url}: ", "does not exist", "the stack's outputs")
    aws.sqs.send_message(QueueUrl=aws.dead, MessageBody="{}")
    refused(run("redrive", aws.dead, url), f"queue {url}: ", "does not exist", "the stack's outputs")
    assert len(aws.dead_letters()) == 1


def test_one_queue_for_both(run: Run, aws: Aws) -> None:
    refused(run("redrive", aws.dead, aws.dead), f"{aws.dead} is both queues")


MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:none"


def test_a_machine_that_is_not_there(run: Run, aws: Aws, orders: Path) -> None:
    aws.put("export/orders.csv", orders)
    source = f"s3://{aws.incoming}/incoming/as_of={AS_OF}/export/"
    refused(run("batch", source, "--machine", MACHINE), f"state machine {MACHINE}: ", "Does Not Exist", "outputs")
    refused(run("batch", source, "--machine", "nonsense"), "state machine nonsense: ", "Invalid", "outputs")
    refused(run("batch", source, "--machine", ""), "no state machine; give --machine ARN")


def test_a_bucket_that_is_not_there(run: Run) -> None:
    refused(run("batch", "s3://no-such-bucket-here/in/", "--machine", MACHINE), "no-such-bucket-here", "does not exist")
    refused(run("batch", "s3://no such!/in/", "--machine", MACHINE), "'no such!' is no bucket's name")


def asked(aws: Aws) -> list[list[str]]:
    """A command of either kind."""
    source = f"s3://{aws.incoming}/incoming/as_of={AS_OF}/"
    return [["redrive", aws.dead, aws.queue], ["batch", source, "--machine", MACHINE]]


@pytest.mark.parametrize("kind", [0, 1])
def test_aws_cannot_be_asked_from_here(run: Run, aws: Aws, kind: int, tmp_path: Path) -> None:
    command = asked(aws)[kind]
    refused(run(*command, AWS_ENDPOINT_URL=NOWHERE), "Could not connect", NOWHERE, "check the network")
    refused(run(*command, AWS_ENDPOINT_URL="nonsense"), "Invalid endpoint: nonsense", "AWS_ENDPOINT_URL")
    refused(run(*command, AWS_PROFILE="none"), "profile (none) could not be found", "AWS_PROFILE")
    nothing = {"AWS_PROFILE": None, "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_EC2_METADATA_DISABLED": "true"}
    nothing["AWS_SHARED_CREDENTIALS_FILE"] = str(tmp_path / "none")
    without = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_ENDPOINT_URL": NOWHERE}
    refused(run(*command, **nothing, **without), "Unable to locate credentials", "aws configure")


def test_without_a_region_no_queue_is_asked(run: Run, aws: Aws, tmp_path: Path) -> None:
    without = {"AWS_DEFAULT_REGION": None, "AWS_REGION": None, "AWS_CONFIG_FILE": str(tmp_path / "none")}
    refused(run("redrive", aws.dead, aws.queue, **without), "no AWS region is set; set AWS_DEFAULT_REGION")


def test_a_dry_run_leaves_the_letters_for_the_next(run: Run, aws: Aws) -> None:
    for key in ("a.csv", "b.csv"):
        aws.sqs.send_message(QueueUrl=aws.dead, MessageBody=json.dumps(aws.event(key)))
    status, said, _ = run("redrive", aws.dead, aws.queue, "--dry-run")
    assert (status, "2 dead letters, 0 sent back" in said) == (0, True)
    aws.sqs.receive_message(QueueUrl=aws.dead, MaxNumberOfMessages=1, VisibilityTimeout=60)
    status, said, _ = run("redrive", aws.dead, aws.queue)
    assert (status, "1 dead letters, 1 sent back" in said) == (0, True)
    assert "1 more hidden" in said
    assert "No dead letters" in run("redrive", aws.dead, aws.queue)[1]


def test_commands_that_do_not_ask_aws_do_not_load_its_library() -> None:
    program = (
        "import sys; from regulars_workbench.cli import app; sys.argv = ['regulars', 'models', '/nowhere']\n"
        "try: app.main()\nexcept SystemExit: print([each for each in ('boto3', 'botocore') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter and text
    assert done.stdout.strip() == "[]"
