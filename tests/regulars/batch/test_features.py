"""Features by the state machine equal those of a single run: cut points and every cell; labels on request."""

from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest

from regulars.batch.handler import handle
from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, connect
from regulars.errors import BundleError, SourceError
from regulars.features.relations import make_features_learning, make_labels, write_features
from regulars.instants import parse_as_of
from regulars.models.bundle import Bundle
from regulars_workbench.batch.remote import start
from tests.regulars.batch.shop import read
from tests.regulars.batch.simulated_aws import INCOMING, PREFIX, SCORES, manifest, put_export, run, stored

AS_OF = "2025-01-01"
Rows = list[tuple[Any, ...]]


def put_lake(lake: Path) -> None:
    """Put a lake below the prefix."""
    for file in sorted(lake.rglob("*")):
        if file.is_file() and "truth" not in file.parts:
            boto3.client("s3").upload_file(str(file), INCOMING, PREFIX + str(file.relative_to(lake)))


def alone(lake: Path, sql: SqlFolder, out: Path, label_days: int) -> tuple[Any, tuple[Rows, Rows]]:
    """Make the features in a single run; return the cut points and all rows."""
    moment = parse_as_of(AS_OF)
    with connect("1GB", 1) as connection:
        attach(connection, lake)
        cut_points = make_features_learning(connection, sql, moment)
        relation = "customer_features"
        if label_days:
            make_labels(connection, sql, moment, label_days)
            relation = f"(select * from {relation} join future using (customer_id))"
        write_features(connection, moment, out, relation)
    return cut_points, rows(out.read_bytes(), out.parent)


def rows(content: bytes, folder: Path) -> tuple[Rows, Rows]:
    """Return the columns' names and types, and all rows by customer."""
    names = read(content, folder, "select column_name, column_type from (describe select * from {})")
    return names, read(content, folder, "select * from {} order by customer_id")


def merged(folder: Path) -> tuple[Rows, Rows]:
    """Return the features of all buckets, in the order of customer_id."""
    files, (place, content) = stored("features/"), manifest("features/")
    names = [name for name in content["outputs"] if name.endswith("features.parquet")]
    for number, name in enumerate(names):
        (folder / f"bucket-{number}.parquet").write_bytes(files[place + name])
    target = folder / "merged.parquet"
    duckdb.execute(f"copy (from read_parquet('{folder}/bucket-*.parquet')) to '{target}' (format parquet)")
    return rows(target.read_bytes(), folder)


@pytest.mark.parametrize("label_days", [0, 90])
def test_a_lake_gets_the_cut_points_and_features_of_one_run(
    state_machine: str, calls: list[str], lake: Path, sql: SqlFolder, tmp_path: Path, label_days: int
) -> None:
    put_lake(lake)
    execution = run(state_machine, as_of=AS_OF, make="features", label_days=label_days, buckets=4)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    assert "score" not in calls
    assert (calls.count("base"), calls.count("learn"), calls.count("apply")) == (4, 1, 4)

    cut_points, whole = alone(lake, sql, tmp_path / "whole.parquet", label_days)
    _, content = manifest("features/")
    assert [tuple(row) for row in content["cut_points"]] == cut_points
    assert merged(tmp_path) == whole
    assert (("future_orders", "BIGINT") in whole[0]) is bool(label_days)
    assert content["customers_with_features"] == len(whole[1])
    assert content["customers_read"] == content["customers_with_features"] + content["customers_rejected"]
    assert not [warning for warning in content["warnings"] if "labels" in warning]
    assert stored() == {}


def test_raw_files_give_features_and_short_labels_give_a_warning(state_machine: str, tmp_path: Path) -> None:
    """The last order of the export is on 2025-07-02."""
    put_export(tmp_path)
    execution = run(state_machine, as_of="2025-07-01", make="features", label_days=365, buckets=3)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    _, content = manifest("features/")
    assert (content["rows_read"], content["rows_kept"], content["rows_rejected"]) == (402, 401, 1)
    assert (content["customers_read"], content["customers_with_features"]) == (71, 60)
    warning = "labels look ahead to 2026-07-01, but the last order is on 2025-07-02; choose an earlier as_of"
    assert warning in content["warnings"]
    _, labelled = merged(tmp_path)
    assert {row[-3:] for row in labelled} == {(0, 0, True)}


def test_an_as_of_before_all_orders_is_an_error(state_machine: str, tmp_path: Path) -> None:
    put_export(tmp_path)
    execution = run(state_machine, as_of="2001-01-01", make="features")
    assert execution["status"] == "FAILED"
    assert "no customer has an order before as_of" in execution["cause"]


@pytest.mark.usefixtures("state_machine")
@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"make": "coffee"}, "make: 'coffee' is not known"),
        ({"label_days": 30}, "label_days needs features"),
        ({"make": "features", "label_days": -1}, "is not between"),
        ({"make": "features", "csv": True}, "leave csv out"),
    ],
)
def test_requests_that_are_not_valid_are_refused(state_machine: str, options: dict[str, Any], cause: str) -> None:
    with pytest.raises(SourceError, match=cause):
        start(f"s3://{INCOMING}/{PREFIX}", state_machine, **options)


@pytest.mark.usefixtures("state_machine")
def test_an_old_bundle_without_the_sql_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_export(tmp_path)
    monkeypatch.setattr(Bundle, "sql", SqlFolder(Path("sql"), ("features/rfm.sql",)))
    run_input = {"bucket": INCOMING, "prefix": PREFIX, "make": "features"}
    with pytest.raises(BundleError, match=r"has no rfm_histogram\.sql; train it again"):
        handle({"step": "plan", "input": run_input}, None)
    assert boto3.client("s3").list_objects_v2(Bucket=SCORES).get("Contents", []) == []
