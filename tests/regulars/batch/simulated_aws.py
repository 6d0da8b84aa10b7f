"""The state machine's definition, run by moto's interpreter, with the real handler as its function."""

import io
import json
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend

from regulars.batch.handler import handle
from regulars_workbench.batch.remote import start
from regulars_workbench.invoke import LocalContext
from tests.conftest import ROOT
from tests.regulars.batch.shop import AS_OF, KEYS, orders_sql, read

INCOMING, SCORES = "machine-incoming", "machine-scores"
PREFIX = f"incoming/as_of={AS_OF}/export/"
SIMULATED: Any = {"lambda": {"use_docker": False}, "stepfunctions": {"execute_state_machine": True}}


@contextmanager
def simulated(cold: pytest.MonkeyPatch, bundle: Path, calls: list[str]) -> Iterator[str]:
    """Yield the state machine's ARN, in a simulated AWS whose Lambda calls the handler; `calls` records the steps."""
    more = {"REGULARS_BUNDLE": str(bundle), "REGULARS_OUTPUT_BUCKET": SCORES, "REGULARS_THREADS": "1"}
    for name, value in (KEYS | more).items():
        cold.setenv(name, value)

    def invoke(_: Any, function_name: str, qualifier: str, body: str, headers: Any, response_headers: Any) -> bytes:
        del function_name, qualifier, headers
        event = json.loads(body)
        calls.append(event["step"])
        try:
            return json.dumps(handle(event, LocalContext("batch"))).encode()
        except Exception as error:  # noqa: BLE001 - as Lambda does
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()

    cold.setattr(LambdaSimpleBackend, "invoke", invoke)
    with mock_aws(config=SIMULATED):
        for bucket in (INCOMING, SCORES):
            boto3.client("s3").create_bucket(Bucket=bucket)
        role = boto3.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "")
        function = boto3.client("lambda").create_function(
            FunctionName="batch",
            Runtime="python3.13",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": code.getvalue()},
        )["FunctionArn"]
        text = (ROOT / "statemachine" / "batch.asl.json").read_text(encoding="utf-8")
        text = text.replace("${BatchFunction}", function).replace("${Partition}", "aws")
        text = text.replace('"IntervalSeconds": 5', '"IntervalSeconds": 1')
        yield boto3.client("stepfunctions").create_state_machine(name="batch", definition=text, roleArn=role)[
            "stateMachineArn"
        ]


def run(state_machine: str, key: str = PREFIX, **options: Any) -> dict[str, Any]:
    """Start an execution as the command does, and wait for its end."""
    arn = start(f"s3://{INCOMING}/{key}", state_machine, **{"as_of": None, "buckets": 3, "csv": False, **options})
    client = boto3.client("stepfunctions")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        execution: dict[str, Any] = client.describe_execution(executionArn=arn.partition(" ")[0])
        if execution["status"] != "RUNNING":
            return execution
        time.sleep(0.05)
    raise AssertionError("the execution did not end")


def put(folder: Path, name: str, query: str, options: str = "format csv, header") -> None:
    """Put a query's rows as a file below the prefix."""
    file = folder / "put"
    duckdb.execute(f"copy ({query}) to '{file}' ({options})")
    boto3.client("s3").upload_file(str(file), INCOMING, PREFIX + name)


def put_export(folder: Path) -> None:
    """Put a shop's export in two files of orders, one of customers and one of events."""
    put(folder, "orders/one.csv", f"{orders_sql(60)} limit 150")
    put(folder, "orders/two.csv", f"{orders_sql(60)} limit 500 offset 150")
    put(folder, "customers.csv", "select 'C' || i as customer_id, '2023-01-01' as signed_up_at from range(70) t(i)")
    put(
        folder,
        "events.csv",
        "select 'C' || i as customer_id, '2025-01-01' as occurred_at, 'email_open' as kind from range(30) t(i)",
    )


def stored(below: str = "scores/") -> dict[str, bytes]:
    """The objects in the output bucket below a prefix, by key."""
    s3 = boto3.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=SCORES, Prefix=below).get("Contents", [])]
    return {key: s3.get_object(Bucket=SCORES, Key=key)["Body"].read() for key in keys}


def manifest(below: str = "scores/") -> tuple[str, dict[str, Any]]:
    """The folder and the content of the only manifest."""
    files = stored(below)
    [key] = [key for key in files if key.endswith("/_manifest.json")]
    return key.removesuffix("_manifest.json"), json.loads(files[key])


def rows(folder: Path, kind: str) -> list[tuple[Any, ...]]:
    """All rows of the result's files whose names contain `kind`, sorted."""
    files, (place, content) = stored(), manifest()
    names: Sequence[str] = [name for name in content["outputs"] if kind in name]
    return sorted((row for name in names for row in read(files[place + name], folder)), key=str)


def scores(folder: Path) -> list[tuple[Any, ...]]:
    """All rows of the score files, in the order of a single run."""
    return sorted(rows(folder, "part.parquet"), key=lambda row: str(row[0]))
