"""Raw files by the state machine: each step reads one file or one bucket; the result is that of a single run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest

from regulars.batch.handler import handle
from regulars.batch.pipeline import score_files
from regulars.batch.resources.clock import Clock
from regulars.data.sql import connect
from regulars.errors import SourceError
from regulars.ingest.mapping import CONTRACT, load
from regulars.ingest.reading.sources import SourceFile
from regulars.instants import parse_as_of
from regulars.models.loader import ModelLoader
from tests.conftest import forget_process
from tests.regulars.batch.shop import AS_OF, orders_sql, read
from tests.regulars.batch.simulated_aws import INCOMING, PREFIX, SCORES, manifest, put, rows, run, scores, stored

COUNTS = (
    "rows_read",
    "rows_kept",
    "rows_rejected",
    "customers_read",
    "customers_scored",
    "customers_rejected",
    "rejected",
    "warnings",
)
LINES = """
currency = "EUR"
timezone = "Europe/Paris"
[orders]
customer_id = "customer_id"
order_id = "order_id"
ordered_at = "ordered_at"
order_value = "order_value"
quantity = "1.5"
grain = "line"
equal_amounts = true
where = { no_tests = "customer_id <> 'C7'" }
[customers]
customer_id = "customer_id"
signed_up_at = "signed_up_at"
[events]
customer_id = "customer_id"
occurred_at = "occurred_at"
kind = "kind"
"""


def put_mixed(folder: Path) -> None:
    """Put an export of several file types, with repeated keys within and between files, and bad rows."""
    shop = orders_sql(60)
    put(folder, "orders/a.csv.gz", f"{shop} limit 150", "format csv, header, compression gzip")
    again = f"({shop} limit 40) union all ({shop} limit 60 offset 140)"
    stamped = "cast(coalesce(try_cast(ordered_at as timestamptz), timestamptz '1900-01-01') as timestamptz)"
    put(folder, "orders/b.parquet", f"select * replace ({stamped} as ordered_at) from ({again})", "format parquet")
    put(folder, "orders/c.csv", f"select *, 'web' as shop from ({shop} limit 500 offset 190)")
    returned = "select * replace ('-5' as order_value, 'Other' as customer_id) from"
    put(folder, "orders/d.csv", f"({returned} ({shop} limit 5)) union all ({shop} limit 3)")
    put(folder, "orders/e.csv", f"select * replace ('soon' as ordered_at) from ({shop} limit 4)")
    put(folder, "orders/f.csv", f"{shop} limit 0")
    people = "select 'C' || i as customer_id, '2023-01-01' as signed_up_at from range({}, {}) t(i)"
    put(folder, "customers/one.csv", f"{people.format(0, 50)} union all {people.format(10, 12)}")
    put(folder, "customers/two.parquet", f"{people.format(40, 70)} union all select 'C-x', 'never'", "format parquet")
    put(
        folder,
        "events.csv",
        "select 'C' || i as customer_id, if(i = 3, 'soon', '2025-01-01') as occurred_at, 'email_open' as kind "
        "from range(30) t(i)",
    )


def alone(folder: Path, loader: ModelLoader) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Score the same files in a single run; return the counts, the scores, the rejects."""
    s3 = boto3.client("s3")
    files = []
    for item in s3.list_objects_v2(Bucket=INCOMING, Prefix=PREFIX)["Contents"]:
        local = folder / "export" / item["Key"].removeprefix(PREFIX)
        local.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(INCOMING, item["Key"], str(local))
        if not local.name.endswith((".toml", ".json")):
            files.append(SourceFile(local, f"export/{local.relative_to(folder / 'export')}"))
    mapping = load(folder / "export" / "map.toml") if (folder / "export" / "map.toml").exists() else CONTRACT
    out = folder / "alone" / "out"
    out.mkdir(parents=True)
    with connect("1GB", 1) as connection:
        counts = score_files(connection, {"": files}, mapping, loader, parse_as_of(AS_OF), out, clock=Clock())
    part, rejects = (read((out / name).read_bytes(), folder) for name in ("part.parquet", "rejects.parquet"))
    return counts.to_dict(), part, sorted(rejects, key=str)


@pytest.mark.slow
@pytest.mark.parametrize("mapping", ["", LINES], ids=["orders", "lines of orders"])
def test_raw_files_give_the_single_run_cell_by_cell(
    state_machine: str, loader: ModelLoader, tmp_path: Path, mapping: str
) -> None:
    put_mixed(tmp_path)
    if mapping:
        boto3.client("s3").put_object(Bucket=INCOMING, Key=f"{PREFIX}map.toml", Body=mapping.encode())

    execution = run(state_machine, buckets=3)

    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    counts, part, rejects = alone(tmp_path, loader)
    _, content = manifest()
    assert {name: content[name] for name in COUNTS} == counts
    assert scores(tmp_path) == part
    assert rows(tmp_path, "rejects") == rejects
    repeats = {row[3:5] for row in rejects if "first seen at" in row[4]}
    assert repeats
    assert "export/orders/f.csv has a header and no rows" in counts["warnings"]
    assert ("order_id" in {field for field, _ in repeats}) is not bool(mapping)
    if mapping:
        assert any("of several customers" in warning for warning in counts["warnings"])


@pytest.mark.slow
def test_a_manifest_gives_what_the_function_gives(state_machine: str, tmp_path: Path) -> None:
    put_mixed(tmp_path)
    together = {
        "orders": [f"orders/{name}" for name in ("c.csv", "a.csv.gz", "b.parquet", "d.csv", "e.csv", "f.csv")],
        "customers": ["customers/one.csv", "customers/two.parquet"],
        "events": "events.csv",
    }
    key = f"{PREFIX}all.manifest.json"
    boto3.client("s3").put_object(Bucket=INCOMING, Key=key, Body=json.dumps(together).encode())
    handle({"bucket": INCOMING, "key": key}, None)
    part, rejects, (_, before) = scores(tmp_path), rows(tmp_path, "rejects"), manifest()

    s3 = boto3.client("s3")
    for name in stored():
        s3.delete_object(Bucket=SCORES, Key=name)
    assert run(state_machine, key, buckets=2)["status"] == "SUCCEEDED"

    _, after = manifest()
    assert {name: after[name] for name in COUNTS} == {name: before[name] for name in COUNTS}
    assert scores(tmp_path) == part
    assert rows(tmp_path, "rejects") == rejects


@pytest.fixture
def small(state_machine: str, cold: pytest.MonkeyPatch) -> Iterator[str]:
    """A state machine whose function takes at most 20,000 bytes."""
    cold.setenv("REGULARS_MAX_INPUT_BYTES", "20000")
    forget_process()
    yield state_machine
    forget_process()


def test_the_sum_of_all_files_may_exceed_the_limit_of_one_function(small: str, tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path, f"orders/{number}.csv", f"{orders_sql(400)} limit 501 offset {501 * number}")
    listed = boto3.client("s3").list_objects_v2(Bucket=INCOMING, Prefix=PREFIX)["Contents"]
    assert sum(item["Size"] for item in listed) > 3 * 20_000
    execution = run(small)
    assert execution["status"] == "SUCCEEDED", execution["cause"]
    assert len(scores(tmp_path)) == 400


def test_a_file_above_the_limit_is_refused_with_advice(small: str, calls: list[str], tmp_path: Path) -> None:
    put(tmp_path, "orders/whole.csv", orders_sql(400))
    execution = run(small)
    assert execution["status"] == "FAILED"
    assert "orders/whole.csv has" in execution["cause"]
    assert "one function takes at most 20,000 (REGULARS_MAX_INPUT_BYTES)" in execution["cause"]
    assert "split this one into several" in execution["cause"]
    assert calls == ["plan"]
    assert stored() == {}


def test_a_table_without_a_valid_row_gives_the_error_of_a_single_run(
    state_machine: str, loader: ModelLoader, tmp_path: Path
) -> None:
    put(tmp_path, "orders/one.csv", f"select * replace ('soon' as ordered_at) from ({orders_sql(60)})")
    put(tmp_path, "orders/two.csv", f"select * replace ('much' as order_value) from ({orders_sql(60)} limit 20)")
    execution = run(state_machine)
    assert execution["status"] == "FAILED"
    with pytest.raises(SourceError, match="not one row could be kept") as caught:
        alone(tmp_path, loader)
    assert str(caught.value) in execution["cause"]


def test_unreadable_files_are_listed_with_their_errors(state_machine: str, calls: list[str], tmp_path: Path) -> None:
    """All at once. When the files are corrected, the same command does the rest."""
    put(tmp_path, "a/orders-1.csv", f"{orders_sql(60)} limit 100")
    s3 = boto3.client("s3")
    bad = {"b/orders-2.csv": b"", "c/orders-3.csv": b"customer_id,foo\na,1\n"}
    for name, body in bad.items():
        s3.put_object(Bucket=INCOMING, Key=PREFIX + name, Body=body)
    execution = run(state_machine, buckets=2)
    assert execution["status"] == "FAILED"
    assert "export/b/orders-2.csv is empty (0 bytes); export it again; " in execution["cause"]
    assert "export/c/orders-3.csv: no column" in execution["cause"]
    for name in bad:
        put(tmp_path, name, f"{orders_sql(60)} limit 20 offset {100 + 20 * (name > 'c')}")
    assert run(state_machine, buckets=2)["status"] == "SUCCEEDED"
    assert calls.count("collect") == 1


@pytest.mark.parametrize("name", ["plain/orders.csv", "plain/night.manifest.json"])
def test_the_command_may_give_the_as_of_of_one_object(state_machine: str, tmp_path: Path, name: str) -> None:
    s3 = boto3.client("s3")
    duckdb.execute(f"copy ({orders_sql(60)}) to '{tmp_path / 'o.csv'}' (format csv, header)")
    s3.upload_file(str(tmp_path / "o.csv"), INCOMING, "plain/orders.csv")
    s3.put_object(Bucket=INCOMING, Key="plain/night.manifest.json", Body=b'{"orders": "orders.csv"}')
    run_input = {"bucket": INCOMING, "prefix": name, "as_of": AS_OF, "buckets": 1}
    assert state_machine
    assert handle({"step": "plan", "input": run_input}, None)["done"] is False


@pytest.mark.parametrize("more", [{"label_days": 30.5}, {"label_days": "abc"}, {"buckets": 100_000}, {"make": 3}])
def test_the_input_of_a_run_is_validated(state_machine: str, more: dict[str, Any]) -> None:
    assert state_machine
    with pytest.raises(SourceError, match=f"step plan: input.{next(iter(more))}: "):
        handle({"step": "plan", "input": {"bucket": INCOMING, "prefix": PREFIX, "make": "features", **more}}, None)
