"""Batch with a simulated S3: files under incoming/ give scores and rejects, equal to those of `score`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from regulars.batch.handler import handle
from regulars.errors import SourceError
from regulars.instants import parse_as_of
from regulars.models.loader import ModelLoader
from regulars.scoring import score

AS_OF = "2025-07-01"
INCOMING, SCORES = "incoming-bucket", "score-bucket"


@pytest.fixture
def s3(cold: pytest.MonkeyPatch, bundle_folder: Path) -> Iterator[Any]:
    """A simulated S3 with both buckets, and a process that scores with the trained bundle."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
        "REGULARS_BUNDLE": str(bundle_folder),
        "REGULARS_OUTPUT_BUCKET": SCORES,
    }.items():
        cold.setenv(name, value)
    with mock_aws():
        client = boto3.client("s3")
        for bucket in (INCOMING, SCORES):
            client.create_bucket(Bucket=bucket)
        yield client


@pytest.fixture
def orders(lake: Path, tmp_path: Path) -> dict[str, Path]:
    """The lake's orders as a shop would export them, in both formats, with one row without a valid date."""
    files: dict[str, Path] = {}
    query = f"""
        select customer_id, order_id, cast(ordered_at as varchar) as ordered_at, order_value_cents / 100 as order_value
        from read_parquet('{lake}/orders/*.parquet')
        union all select 'C-bad', 'O-bad', 'yesterday', 1.0
    """
    for kind in ("csv", "parquet"):
        files[kind] = tmp_path / f"orders.{kind}"
        duckdb.execute(f"copy ({query}) to '{files[kind]}' (format {kind})")
    return files


def notification(*keys: str) -> dict[str, Any]:
    """An S3 notification for objects of the incoming bucket, with URL-encoded keys, as S3 sends it."""
    records = [{"eventSource": "aws:s3", "s3": {"bucket": {"name": INCOMING}, "object": {"key": key}}} for key in keys]
    return {"Records": records}


def written(s3: Any) -> dict[str, bytes]:
    """The objects in the output bucket, by key."""
    listed = s3.list_objects_v2(Bucket=SCORES).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=SCORES, Key=item["Key"])["Body"].read() for item in listed}


def rows(content: bytes, folder: Path, columns: str) -> list[tuple[Any, ...]]:
    """Read columns of a Parquet file's bytes, by customer."""
    file = folder / "read.parquet"
    file.write_bytes(content)
    return duckdb.execute(f"select {columns} from read_parquet('{file}') order by all").fetchall()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_in_s3_gets_the_same_scores_as_a_lake(
    s3: Any,
    orders: dict[str, Path],
    lake: Path,
    loader: ModelLoader,
    tmp_path: Path,
    kind: str,
) -> None:
    s3.upload_file(str(orders[kind]), INCOMING, f"incoming/as_of={AS_OF}/orders.{kind}")

    handle(notification(f"incoming/as_of%3D{AS_OF}/orders.{kind}"), None)

    files = {key.rpartition("/")[2]: content for key, content in written(s3).items()}
    assert set(files) == {"part.parquet", "rejects.parquet", "_manifest.json"}
    manifest = json.loads(files["_manifest.json"])
    assert manifest["rows_read"] == manifest["rows_kept"] + manifest["rows_rejected"]
    assert manifest["rows_rejected"] == 1
    [(field, row)] = rows(files["rejects.parquet"], tmp_path, "field, row")
    assert field == "ordered_at"
    assert "yesterday" in row

    with duckdb.connect() as connection:
        only_orders = tmp_path / "lake"
        (only_orders / "orders").mkdir(parents=True)
        connection.execute(
            "copy (select customer_id, order_id, ordered_at, order_value_cents, is_return "
            f"from read_parquet('{lake}/orders/*.parquet')) to '{only_orders}/orders/orders.parquet'"
        )
        (only_orders / "lake.json").write_bytes((lake / "lake.json").read_bytes())
        score.score(connection, only_orders, loader, parse_as_of(AS_OF), tmp_path / "expected.parquet")
    expected = rows((tmp_path / "expected.parquet").read_bytes(), tmp_path, "*")
    assert rows(files["part.parquet"], tmp_path, "*") == expected
    assert manifest["customers_scored"] == len(expected)


def test_the_same_notification_twice_writes_the_same_bytes(s3: Any, orders: dict[str, Path]) -> None:
    s3.upload_file(str(orders["csv"]), INCOMING, f"incoming/as_of={AS_OF}/last night's orders.csv")
    event = notification(f"incoming/as_of%3D{AS_OF}/last+night%27s+orders.csv")

    handle(event, None)
    first = written(s3)
    handle(event, None)

    assert len(first) == 3
    assert written(s3) == first


def test_a_map_beside_the_object_is_used(s3: Any, orders: dict[str, Path]) -> None:
    content = orders["csv"].read_text().replace("customer_id,", "Kunde,", 1)
    s3.put_object(Bucket=INCOMING, Key=f"incoming/as_of={AS_OF}/export.csv", Body=content)
    mapping = """
        currency = "EUR"
        [orders]
        customer_id = "Kunde"
        order_id = "order_id"
        ordered_at = "ordered_at"
        order_value = "order_value"
    """
    s3.put_object(Bucket=INCOMING, Key=f"incoming/as_of={AS_OF}/map.toml", Body=mapping)

    handle(notification(f"incoming/as_of={AS_OF}/export.csv", f"incoming/as_of={AS_OF}/map.toml"), None)

    manifests = [json.loads(content) for key, content in written(s3).items() if key.endswith("_manifest.json")]
    assert [manifest["rows_rejected"] for manifest in manifests] == [1]


def test_as_of_may_be_in_the_objects_metadata(s3: Any, orders: dict[str, Path]) -> None:
    extra = {"Metadata": {"as-of": "2025-06-01"}}
    s3.upload_file(str(orders["parquet"]), INCOMING, "incoming/orders.parquet", ExtraArgs=extra)

    handle(notification("incoming/orders.parquet"), None)

    assert all(key.startswith("scores/2025-06-01/orders-") for key in written(s3))
    assert len(written(s3)) == 3


@pytest.mark.parametrize(
    ("key", "body", "cause"),
    [
        ("incoming/orders.csv", b"customer_id,ordered_at,order_value\na,2025-01-01,1\n", "has no as_of"),
        (f"incoming/as_of={AS_OF}/orders.csv", b"", "empty"),
        (f"incoming/as_of={AS_OF}/orders.parquet", b"PAR1 and then nothing", "orders.parquet"),
        (f"incoming/as_of={AS_OF}/orders.csv", b"who,when\na,2025-01-01\n", "customer_id"),
    ],
)
def test_an_object_that_cannot_be_scored_raises_and_writes_nothing(
    s3: Any,
    key: str,
    body: bytes,
    cause: str,
) -> None:
    s3.put_object(Bucket=INCOMING, Key=key, Body=body)

    with pytest.raises(SourceError, match=cause):
        handle(notification(key), None)

    assert written(s3) == {}


def test_a_missing_object_is_named(s3: Any) -> None:
    with pytest.raises(SourceError, match=f"s3://{INCOMING}/incoming/as_of={AS_OF}/orders.csv cannot be read"):
        handle(notification(f"incoming/as_of={AS_OF}/orders.csv"), None)
    assert written(s3) == {}


def test_through_sqs_one_bad_message_fails_alone(s3: Any, orders: dict[str, Path]) -> None:
    s3.upload_file(str(orders["parquet"]), INCOMING, f"incoming/as_of={AS_OF}/orders.parquet")
    bodies = {
        "good": json.dumps(notification(f"incoming/as_of%3D{AS_OF}/orders.parquet")),
        "gone": json.dumps(notification(f"incoming/as_of%3D{AS_OF}/gone.parquet")),
        "test": json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": INCOMING}),
    }
    event = {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": name, "body": body, "receiptHandle": name}
            for name, body in bodies.items()
        ]
    }

    answer = handle(event, None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "gone"}]}
    assert len(written(s3)) == 3
