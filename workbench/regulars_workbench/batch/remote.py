"""Starting the state machine for files in S3: the same input starts one execution, and another only when that failed.

A second execution goes on from the first one's finished buckets.
"""

import json

from regulars.batch.events import check_bucket
from regulars.batch.state_machine.request import RunRequest
from regulars.batch.state_machine.steps.plan import execution_name, find_input
from regulars.errors import SettingsError, SourceError
from regulars_workbench.batch.aws_client import aws_errors, client

ATTEMPTS = 9


def start(source: str, machine: str | None, **asked_for: str | bool | int | None) -> str:
    """Start the state machine for `s3://bucket/prefix` and return the execution's ARN, also of one that runs already.

    `asked_for` is what the state machine is told: as_of, buckets, csv, make, label_days. SettingsError without a
    machine, SourceError when the source names no bucket and prefix.
    """
    if not machine:
        raise SettingsError(
            "no state machine; give --machine ARN or set REGULARS_STATE_MACHINE (an output of the stack)"
        )
    bucket, _, prefix = source[len("s3://") :].partition("/")
    if not bucket or not prefix:
        raise SourceError(f"{source} names no bucket and prefix; write it like s3://bucket/incoming/as_of=2026-06-30/")
    asked = {"bucket": bucket, "prefix": prefix, **asked_for}
    check_bucket(bucket)
    RunRequest.parse(asked)
    with aws_errors(source):
        batch_input = find_input(client("s3"), asked)
    with aws_errors(f"state machine {machine}"):
        machines = client("stepfunctions")
        for attempt in range(1, ATTEMPTS + 1):
            name = f"{execution_name(batch_input, asked)}-{attempt}"
            try:
                answer = machines.start_execution(stateMachineArn=machine, name=name, input=json.dumps(asked))
            except machines.exceptions.ExecutionAlreadyExists:
                arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
                if machines.describe_execution(executionArn=arn)["status"] in ("RUNNING", "SUCCEEDED"):
                    return f"{arn} (before)"
            else:
                return str(answer["executionArn"])
    raise SourceError(f"{source} failed {ATTEMPTS} times; see the executions {name} and before")
