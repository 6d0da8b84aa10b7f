"""At-least-once notifications, exactly-once results: ten at once, out of order, and newer versions during a run."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from regulars.batch import score
from regulars.batch.handler import handle
from regulars.batch.pipeline import score_files
from regulars.batch.storage.store import Store
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.shop import AS_OF, read


def result(aws: Aws) -> dict[str, bytes]:
    """The objects in the output bucket, by file name."""
    return {key.rpartition("/")[2]: body for key, body in aws.written().items()}


def test_ten_notifications_at_once_leave_one_result_byte_for_byte(aws: Aws, orders: Path) -> None:
    key = aws.put("orders.csv", orders)
    handle(aws.event(key), None)
    single = aws.written()
    for name in single:
        aws.s3.delete_object(Bucket=aws.scores, Key=name)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: handle(aws.event(key), None), range(10)))

    assert len(single) == 3
    assert aws.written() == single
    assert len({json.dumps(answer) for answer in answers}) == 1


def test_an_existing_result_is_not_made_again(aws: Aws, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = aws.put("orders.csv", orders)
    handle(aws.event(key), None)
    calls: list[Any] = []
    monkeypatch.setattr(score, "score_files", lambda *_, **__: calls.append(1))
    handle(aws.event(key), None)
    assert calls == []


def test_a_newer_version_replaces_the_older(aws: Aws, orders: Path, tmp_path: Path) -> None:
    key = aws.put("orders.csv", orders, Metadata={"csv": "true"})
    handle(aws.event(key), None)
    assert set(result(aws)) == {"part.parquet", "rejects.parquet", "_manifest.json", "part.csv"}
    old = result(aws)["part.parquet"]

    aws.put("orders.csv", b"\n".join(orders.read_bytes().splitlines()[:100]) + b"\n")
    handle(aws.event(key), None)

    new = result(aws)
    assert set(new) == {"part.parquet", "rejects.parquet", "_manifest.json"}
    assert read(new["part.parquet"], tmp_path) != read(old, tmp_path)
    assert json.loads(new["_manifest.json"])["rows_read"] == 99


def test_an_older_version_never_replaces_a_newer(aws: Aws, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a run works on the old version, the new version arrives and is scored."""
    key = aws.put("orders.csv", orders)
    overtaken: list[Any] = []

    def slow(*arguments: Any, **options: Any) -> Any:
        counts = score_files(*arguments, **options)
        if not overtaken:
            overtaken.append(counts)
            aws.put("orders.csv", b"\n".join(orders.read_bytes().splitlines()[:100]) + b"\n")
            handle(aws.event(key), None)
            overtaken.append(aws.written())
        return counts

    monkeypatch.setattr(score, "score_files", slow)
    handle(aws.event(key), None)

    assert json.loads(result(aws)["_manifest.json"])["rows_read"] == 99
    assert aws.written() == overtaken[1]


def test_a_writer_overtaken_between_two_files_replaces_what_it_wrote(
    aws: Aws, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old version's part is written, then the new version's result is written, then the old run continues."""
    key = aws.put("orders.csv", orders)
    put = Store.put_if_unchanged
    done: list[Any] = []

    def late(self: Any, name: str, *rest: Any) -> None:
        put(self, name, *rest)
        if name == "part.parquet" and not done:
            done.append(name)
            aws.put("orders.csv", b"\n".join(orders.read_bytes().splitlines()[:100]) + b"\n")
            handle(aws.event(key), None)
            done.append(aws.written())

    monkeypatch.setattr(Store, "put_if_unchanged", late)
    handle(aws.event(key), None)

    assert aws.written() == done[1]
    assert json.loads(result(aws)["_manifest.json"])["rows_read"] == 99


def test_the_manifest_describes_the_files(aws: Aws, orders: Path) -> None:
    import hashlib  # noqa: PLC0415

    key = aws.put("orders.csv", orders)
    handle(aws.event(key), None)
    files = result(aws)
    manifest = json.loads(files["_manifest.json"])
    for name, entry in manifest["outputs"].items():
        assert entry == {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
    head = aws.s3.head_object(Bucket=aws.incoming, Key=key)
    assert manifest["input"]["etag"] == head["ETag"].strip('"')
    assert manifest["input"]["version_id"] == head["VersionId"]
    assert manifest["as_of"].startswith(AS_OF)
    prefix = next(iter(aws.written())).rpartition("/")[0]
    seconds = aws.s3.head_object(Bucket=aws.scores, Key=f"{prefix}/_manifest.json")["Metadata"]["seconds"]
    assert [item.partition("=")[0] for item in seconds.split()] == ["fetch", "ingest", "score", "rejects"]
