"""Whatever the files of one input are called, each is read, once, and reports call it by its own name."""

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
    """Put a shop's orders in twenties, and a bad row into one of two files of one name."""
    for number, name in enumerate(NAMES):
        query = f"select * from ({orders_sql(60)}) limit 20 offset {20 * number}"
        duckdb.execute(f"copy ({query}) to '{folder / 'part.csv'}' (format csv, header)")
        more = b"C1,odd,soon,1\n" if name == "x/b.csv" else b""
        aws.put(name, (folder / "part.csv").read_bytes() + more)


def test_no_file_of_a_manifest_is_left_out(aws: Aws, tmp_path: Path) -> None:
    """Hidden ones, ones called like others with a number, or like another table, in several folders, and long ones."""
    put_parts(aws, tmp_path)
    key = aws.put("all.manifest.json", json.dumps({"orders": NAMES}).encode())
    [place] = handle(aws.event(key), None)["written"]
    written = aws.written()
    said = json.loads(written[f"{place.removeprefix(f's3://{aws.scores}/')}/_manifest.json"])
    assert (said["rows_read"], said["rows_rejected"]) == (141, 1)
    rejects = written[f"{place.removeprefix(f's3://{aws.scores}/')}/rejects.parquet"]
    named = read(rejects, tmp_path, "select source_file from {} where source_file is not null")
    assert named == [(key.replace("all.manifest.json", "x/b.csv"),)]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({"orders": ["b.csv", "b.csv"]}, "names .*b.csv twice; name each file once"),
        ({"orders": ["b.csv", "./b.csv"]}, "names .*b.csv twice"),
        ({"orders": "b.csv", "customers": ["b.csv"]}, "names .*b.csv twice"),
        ({"orders": ["b.csv", "part-0000"]}, "names .*part-0000, which is of an unsupported type; bring"),
        ({"orders": "all.manifest.json"}, "names .*all.manifest.json, which is of an unsupported type"),
    ],
)
def test_what_would_be_read_twice_or_not_at_all_is_refused(
    aws: Aws, tmp_path: Path, said: dict[str, Any], cause: str
) -> None:
    put_parts(aws, tmp_path)
    aws.put("part-0000", b"more")
    key = aws.put("all.manifest.json", json.dumps(said).encode())
    with pytest.raises(SourceError, match=cause):
        handle(aws.event(key), None)
    assert aws.written() == {}


def test_keys_that_a_disk_would_take_for_one_stay_two(machine: str, tmp_path: Path) -> None:
    for number, name in enumerate(("orders/x.csv", "orders//x.csv", "orders/x.csv/y.csv")):
        put(tmp_path, name, f"select * from ({orders_sql(60)}) limit 40 offset {40 * number}")
    said = run(machine, buckets=2)
    assert said["status"] == "SUCCEEDED", said.get("cause")
    assert manifest()[1]["rows_read"] == 120


@pytest.mark.parametrize("missing", ["events", "one"])
def test_a_lake_that_lacks_files_is_not_scored(machine: str, lake: Path, tmp_path: Path, missing: str) -> None:
    """A whole table, or rows of one."""
    s3 = boto3.client("s3")
    for file in sorted(lake.rglob("*")):
        if file.is_file() and not {"truth", missing} & set(file.parts):
            s3.upload_file(str(file), INCOMING, PREFIX + str(file.relative_to(lake)))
    if missing == "one":
        some = f"select * from read_parquet('{lake}/orders/*.parquet') limit 100"
        [name] = [file.name for file in (lake / "orders").glob("*.parquet")]
        put(tmp_path, f"orders/{name}", some, "format parquet")
    said = run(machine, buckets=2)
    assert said["status"] == "FAILED"
    assert "rows, but lake.json says" in said["cause"]
