"""The state machine gives the result of a single run over the whole input, and does each step once."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest

from regulars.batch.counts import CountMismatchError
from regulars.batch.handler import handle
from regulars.batch.state_machine import dispatch
from regulars.batch.state_machine.buckets import Bucket, score_bucket
from regulars.errors import SettingsError, SourceError
from regulars.instants import parse_as_of
from regulars.scoring import score
from regulars_workbench.batch.remote import start
from tests.regulars.batch.shop import AS_OF, orders_sql, read
from tests.regulars.batch.simulated_aws import INCOMING, PREFIX, SCORES, manifest, put, put_export, run, scores, stored


def test_buckets_give_the_scores_of_the_single_run_cell_by_cell(
    state_machine: str, calls: list[str], tmp_path: Path
) -> None:
    put_export(tmp_path)

    execution = run(state_machine, buckets=3)

    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    files, compared_tables = 4, 3
    steps = {
        "plan": 1,
        "stage": files,
        "settle": 1,
        "keys": compared_tables * 3,
        "split": files,
        "score": 3,
        "collect": 1,
    }
    assert Counter(calls) == steps
    merged = scores(tmp_path)
    assert json.loads(execution["output"])["customers_scored"] == len(merged) == 60
    _, content = manifest()
    assert (content["rows_read"], content["rows_kept"], content["rows_rejected"]) == (402, 401, 1)
    assert (content["customers_read"], content["customers_rejected"]) == (71, 11)

    whole = {"orders": ["orders/one.csv", "orders/two.csv"], "customers": "customers.csv", "events": "events.csv"}
    key = f"{PREFIX}all.manifest.json"
    boto3.client("s3").put_object(Bucket=INCOMING, Key=key, Body=json.dumps(whole).encode())
    [place] = handle({"bucket": INCOMING, "key": key}, None)["written"]
    alone = boto3.client("s3").get_object(Bucket=SCORES, Key=f"{place.removeprefix(f's3://{SCORES}/')}/part.parquet")
    assert merged == read(alone["Body"].read(), tmp_path)


def test_the_same_input_starts_one_execution(state_machine: str, calls: list[str], tmp_path: Path) -> None:
    put_export(tmp_path)
    first, second = run(state_machine), run(state_machine)
    assert first["executionArn"] == second["executionArn"]
    assert calls.count("plan") == 1
    again = handle({"step": "plan", "input": {"bucket": INCOMING, "prefix": PREFIX, "buckets": 3}}, None)
    assert again["done"] is True


@pytest.mark.slow
def test_a_second_execution_keeps_the_finished_buckets(
    state_machine: str, calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bucket fails at first; the others are not scored again."""
    put_export(tmp_path)
    original, broken = score_bucket, [True]

    def fails(connection: Any, bucket: Bucket, *arguments: Any) -> Any:
        if bucket.number == 1 and broken[0]:
            raise CountMismatchError("counts do not add up")
        calls.append(f"bucket {bucket.number}")
        return original(connection, bucket, *arguments)

    monkeypatch.setattr(dispatch, "score_bucket", fails)
    failed = run(state_machine)
    assert failed["status"] == "FAILED"
    assert not [key for key in stored() if key.endswith("/_manifest.json")]

    broken[0] = False
    assert run(state_machine)["status"] == "SUCCEEDED"
    assert sorted(call for call in calls if call.startswith("bucket")) == ["bucket 0", "bucket 1", "bucket 2"]


def test_a_lake_is_split_without_staging(
    state_machine: str, calls: list[str], lake: Path, loader: Any, tmp_path: Path
) -> None:
    s3 = boto3.client("s3")
    for file in sorted(lake.rglob("*")):
        if file.is_file() and "truth" not in file.parts:
            s3.upload_file(str(file), INCOMING, PREFIX + str(file.relative_to(lake)))
    assert run(state_machine, buckets=4)["status"] == "SUCCEEDED"
    assert calls.count("score") == 4
    assert not {"stage", "settle", "keys"} & set(calls)
    with duckdb.connect() as connection:
        score.score(connection, lake, loader, parse_as_of(AS_OF), tmp_path / "alone.parquet")
    assert scores(tmp_path) == read((tmp_path / "alone.parquet").read_bytes(), tmp_path)


@pytest.mark.usefixtures("state_machine")
def test_an_input_that_changes_meanwhile_publishes_nothing(tmp_path: Path) -> None:
    put_export(tmp_path)
    event = {"bucket": INCOMING, "prefix": PREFIX, "buckets": 1}
    run_id = handle({"step": "plan", "input": event}, None)["run"]
    put(tmp_path, "orders/two.csv", f"{orders_sql(60)} limit 50 offset 150")
    with pytest.raises(Exception, match="was replaced while it was being scored"):
        handle({"step": "collect", "run": run_id}, None)


def test_what_cannot_be_started_says_why(state_machine: str) -> None:
    with pytest.raises(SettingsError, match="no state machine"):
        start(f"s3://{INCOMING}/{PREFIX}", None, as_of=None, buckets=0, csv=False)
    with pytest.raises(SourceError, match="has no bucket and prefix"):
        start("s3://only-a-bucket", state_machine, as_of=None, buckets=0, csv=False)
    with pytest.raises(SourceError, match="holds no"):
        start(f"s3://{INCOMING}/{PREFIX}", state_machine, as_of=None, buckets=0, csv=False)
