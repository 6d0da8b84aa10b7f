"""The state machine's own definition, run by moto's interpreter, each of its calls answered by the real handler."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend
from regulars.batch import steps
from regulars.batch.handler import handle
from regulars.errors import SettingsError, SourceError

from tests.batch.conftest import AS_OF, KEYS, orders_sql, read
from tests.conftest import ROOT
from training.batch.remote import start
from training.local import LocalContext

INCOMING, SCORES = "machine-incoming", "machine-scores"
PREFIX = f"incoming/as_of={AS_OF}/export/"
SIMULATED = {"lambda": {"use_docker": False}, "stepfunctions": {"execute_state_machine": True}}


@pytest.fixture
def calls() -> list[str]:
    """The steps that were taken."""
    return []


@pytest.fixture
def machine(cold: pytest.MonkeyPatch, bundle_folder: Path, calls: list[str]) -> Iterator[str]:
    """The state machine's ARN, in a simulated AWS in which Lambda is the handler."""
    more = {"REGULARS_BUNDLE": str(bundle_folder), "REGULARS_OUTPUT_BUCKET": SCORES, "REGULARS_THREADS": "1"}
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


def run(machine: str, **asked: Any) -> dict[str, Any]:
    """Start an execution as the command does and wait for its end."""
    arn = start(f"s3://{INCOMING}/{PREFIX}", machine, as_of=None, buckets=asked.get("buckets", 3), csv=False)
    client = boto3.client("stepfunctions")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        said: dict[str, Any] = client.describe_execution(executionArn=arn.partition(" ")[0])
        if said["status"] != "RUNNING":
            return said
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


def stored() -> dict[str, bytes]:
    """What lies under scores/."""
    s3 = boto3.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=SCORES, Prefix="scores/").get("Contents", [])]
    return {key: s3.get_object(Bucket=SCORES, Key=key)["Body"].read() for key in keys}


def scores(folder: Path) -> list[tuple[Any, ...]]:
    """Every row of the parts that the manifest names, in the order of the single run."""
    files = stored()
    [place] = [key for key in files if key.endswith("/_manifest.json")]
    named = [name for name in json.loads(files[place])["outputs"] if name.endswith("part.parquet")]
    rows = [row for name in named for row in read(files[place.replace("_manifest.json", name)], folder)]
    return sorted(rows, key=lambda row: str(row[0]))


def test_buckets_give_the_scores_of_the_single_run_cell_by_cell(machine: str, calls: list[str], tmp_path: Path) -> None:
    put_export(tmp_path)

    said = run(machine, buckets=3)

    assert said["status"] == "SUCCEEDED", said.get("cause")
    assert sorted(calls) == ["collect", "plan", *["score"] * 3, *["split"] * 3]
    many = scores(tmp_path)
    assert json.loads(said["output"])["customers_scored"] == len(many) == 60
    [manifest] = [json.loads(body) for key, body in stored().items() if key.endswith("/_manifest.json")]
    assert (manifest["rows_read"], manifest["rows_kept"], manifest["rows_rejected"]) == (402, 401, 1)
    assert (manifest["customers_read"], manifest["customers_rejected"]) == (71, 11)

    together = {"orders": ["orders/one.csv", "orders/two.csv"], "customers": "customers.csv", "events": "events.csv"}
    key = f"{PREFIX}all.manifest.json"
    boto3.client("s3").put_object(Bucket=INCOMING, Key=key, Body=json.dumps(together).encode())
    [place] = handle({"bucket": INCOMING, "key": key}, None)["written"]
    alone = boto3.client("s3").get_object(Bucket=SCORES, Key=f"{place.removeprefix(f's3://{SCORES}/')}/part.parquet")
    assert many == read(alone["Body"].read(), tmp_path)


def test_asked_twice_it_is_scored_once(machine: str, calls: list[str], tmp_path: Path) -> None:
    put_export(tmp_path)
    first, second = run(machine), run(machine)
    assert first["executionArn"] == second["executionArn"]
    assert calls.count("plan") == 1
    again = handle({"step": "plan", "input": {"bucket": INCOMING, "prefix": PREFIX, "buckets": 3}}, None)
    assert again["done"] is True


def test_a_run_that_failed_goes_on_from_what_is_finished(
    machine: str, calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bucket cannot be scored at first; the others are not scored again."""
    put_export(tmp_path)
    whole, broken = steps.score_bucket, [True]

    def fails(bucket: int, *arguments: Any, **options: Any) -> Any:
        if bucket == 1 and broken[0]:
            from regulars.batch.balance import BalanceError  # noqa: PLC0415

            raise BalanceError("counts do not add up")
        calls.append(f"bucket {bucket}")
        return whole(bucket, *arguments, **options)

    monkeypatch.setattr(steps, "score_bucket", fails)
    failed = run(machine)
    assert failed["status"] == "FAILED"
    assert not [key for key in stored() if key.endswith("/_manifest.json")]

    broken[0] = False
    assert run(machine)["status"] == "SUCCEEDED"
    assert sorted(each for each in calls if each.startswith("bucket")) == ["bucket 0", "bucket 1", "bucket 2"]


def test_a_lake_is_split_as_it_lies(machine: str, calls: list[str], lake: Path, loader: Any, tmp_path: Path) -> None:
    from regulars import scoring  # noqa: PLC0415
    from regulars.features import parse_as_of  # noqa: PLC0415

    s3 = boto3.client("s3")
    for file in sorted(lake.rglob("*")):
        if file.is_file() and "truth" not in file.parts:
            s3.upload_file(str(file), INCOMING, PREFIX + str(file.relative_to(lake)))
    assert run(machine, buckets=4)["status"] == "SUCCEEDED"
    assert calls.count("score") == 4
    with duckdb.connect() as connection:
        scoring.score(connection, lake, loader, parse_as_of(AS_OF), tmp_path / "alone.parquet")
    assert scores(tmp_path) == read((tmp_path / "alone.parquet").read_bytes(), tmp_path)


@pytest.mark.usefixtures("machine")
def test_an_input_that_changes_meanwhile_publishes_nothing(tmp_path: Path) -> None:
    put_export(tmp_path)
    event = {"bucket": INCOMING, "prefix": PREFIX, "buckets": 1}
    run_id = handle({"step": "plan", "input": event}, None)["run"]
    put(tmp_path, "orders/two.csv", f"{orders_sql(60)} limit 50 offset 150")
    with pytest.raises(Exception, match="was replaced while it was scored"):
        handle({"step": "collect", "run": run_id}, None)


def test_what_cannot_be_started_says_why(machine: str) -> None:
    with pytest.raises(SettingsError, match="no state machine"):
        start(f"s3://{INCOMING}/{PREFIX}", None, as_of=None, buckets=0, csv=False)
    with pytest.raises(SourceError, match="names no bucket and prefix"):
        start("s3://only-a-bucket", machine, as_of=None, buckets=0, csv=False)
    with pytest.raises(SourceError, match="holds no"):
        start(f"s3://{INCOMING}/{PREFIX}", machine, as_of=None, buckets=0, csv=False)
