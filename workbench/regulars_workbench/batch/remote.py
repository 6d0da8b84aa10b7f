"""Start the state machine for files in S3: one execution per input, and another one only when that has failed.

The second execution continues from the first one's finished buckets.
"""

import json

from regulars.batch.events import check_bucket
from regulars.batch.state_machine.request import RunRequest
from regulars.batch.state_machine.steps.plan import execution_name, find_input
from regulars.errors import SettingsError, SourceError
from regulars_workbench.batch.aws_client import aws_errors, client

ATTEMPTS = 9


def start(source: str, state_machine: str | None, **options: str | bool | int | None) -> str:
    """Start the state machine (an ARN) for `s3://bucket/prefix`; return the ARN of the new or existing execution.

    `options` are entries of its input: as_of, buckets, csv, make, label_days. SettingsError without a state machine,
    SourceError when the source has no bucket and prefix.
    """
    if not state_machine:
        raise SettingsError(
            "no state machine; give --machine ARN or set REGULARS_STATE_MACHINE (an output of the stack)"
        )
    bucket, _, prefix = source[len("s3://") :].partition("/")
    if not bucket or not prefix:
        raise SourceError(f"{source} has no bucket and prefix; write it like s3://bucket/incoming/as_of=2026-06-30/")
    fields = {"bucket": bucket, "prefix": prefix, **options}
    check_bucket(bucket)
    RunRequest.parse(fields)
    with aws_errors(source):
        batch_input = find_input(client("s3"), fields)
    with aws_errors(f"state machine {state_machine}"):
        stepfunctions = client("stepfunctions")
        for attempt in range(1, ATTEMPTS + 1):
            name = f"{execution_name(batch_input, fields)}-{attempt}"
            try:
                answer = stepfunctions.start_execution(
                    stateMachineArn=state_machine, name=name, input=json.dumps(fields)
                )
            except stepfunctions.exceptions.ExecutionAlreadyExists:
                arn = f"{state_machine.replace(':stateMachine:', ':execution:')}:{name}"
                if stepfunctions.describe_execution(executionArn=arn)["status"] in ("RUNNING", "SUCCEEDED"):
                    return f"{arn} (started before)"
            else:
                return str(answer["executionArn"])
    raise SourceError(f"{source} failed {ATTEMPTS} times; see execution {name} and the ones before it")
