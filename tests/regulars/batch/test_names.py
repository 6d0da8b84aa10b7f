"""Whatever the names of an input's files, each is read once, and reports show its name."""

import json
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest

from regulars.batch.handler import handle
from regulars.errors import SourceError
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.shop import orders_sql, read
from tests.regulars.batch.simulated_aws import INCOMING, PREFIX, manifest, put, run

NAMES = ("_1.csv", ".2.csv", "orders-1-b.csv", "b.csv", "customers.csv", "x/b.csv", f"{'n' * 240}.csv")


def put_parts(aws: Aws, folder: Path) -> None:
    """Put a shop's orders in files of twenty, with a bad row in one of two files of the same name."""
    for number, name in enumerate(NAMES):
        query = f"select * from ({orders_sql(60)}) limit 20 offset {20 * number}"
        duckdb.execute(f"copy ({query}) to '{folder / 'part.csv'}' (format csv, header)")
        bad_row = b"C1,odd,soon,1\n" if name == "x/b.csv" else b""
        aws.put(name, (folder / "part.csv").read_bytes() + bad_row)


def test_no_file_of_a_manifest_is_left_out(aws: Aws, tmp_path: Path) -> None:
    """Hidden names, numbered names, a name of another table, the same name in two folders, and a long name."""
    put_parts(aws, tmp_path)
    key = aws.put("all.manifest.json", json.dumps({"orders": NAMES}).encode())
    [place] = handle(aws.event(key), None)["written"]
    written = aws.written()
    content = json.loads(written[f"{place.removeprefix(f's3://{aws.scores}/')}/_manifest.json"])
    assert (content["rows_read"], content["rows_rejected"]) == (141, 1)
    rejects = written[f"{place.removeprefix(f's3://{aws.scores}/')}/rejects.parquet"]
    sources = read(rejects, tmp_path, "select source_file from {} where source_file is not null")
    assert sources == [(key.replace("all.manifest.json", "x/b.csv"),)]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ({"orders": ["b.csv", "b.csv"]}, "names .*b.csv twice; name each file once"),
        ({"orders": ["b.csv", "./b.csv"]}, "names .*b.csv twice"),
        ({"orders": "b.csv", "customers": ["b.csv"]}, "names .*b.csv twice"),
        ({"orders": ["b.csv", "part-0000"]}, "names .*part-0000, which has an unsupported file type; use"),
        ({"orders": "all.manifest.json"}, "names .*all.manifest.json, which has an unsupported file type"),
    ],
)
def test_a_file_named_twice_or_of_an_unsupported_type_is_refused(
    aws: Aws, tmp_path: Path, content: dict[str, Any], cause: str
) -> None:
    put_parts(aws, tmp_path)
    aws.put("part-0000", b"more")
    key = aws.put("all.manifest.json", json.dumps(content).encode())
    with pytest.raises(SourceError, match=cause):
        handle(aws.event(key), None)
    assert aws.written() == {}


def test_keys_that_are_one_path_on_disk_stay_distinct(state_machine: str, tmp_path: Path) -> None:
    for number, name in enumerate(("orders/x.csv", "orders//x.csv", "orders/x.csv/y.csv")):
        put(tmp_path, name, f"select * from ({orders_sql(60)}) limit 40 offset {40 * number}")
    execution = run(state_machine, buckets=2)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    assert manifest()[1]["rows_read"] == 120


@pytest.mark.parametrize("missing", ["events", "one"])
def test_a_lake_that_lacks_files_is_not_scored(state_machine: str, lake: Path, tmp_path: Path, missing: str) -> None:
    """A whole table is missing, or rows of one."""
    s3 = boto3.client("s3")
    for file in sorted(lake.rglob("*")):
        if file.is_file() and not {"truth", missing} & set(file.parts):
            s3.upload_file(str(file), INCOMING, PREFIX + str(file.relative_to(lake)))
    if missing == "one":
        part = f"select * from read_parquet('{lake}/orders/*.parquet') limit 100"
        [name] = [file.name for file in (lake / "orders").glob("*.parquet")]
        put(tmp_path, f"orders/{name}", part, "format parquet")
    execution = run(state_machine, buckets=2)
    assert execution["status"] == "FAILED"
    assert "rows, but lake.json says" in execution["cause"]
