"""Fifty inputs of all file types give fifty manifests, which account for every row."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.shop import orders_sql, read

COUNTED = "select count(*) from ({})"
MAP = '[orders]\ncustomer_id = "Kunde"\norder_id = "order_id"\nordered_at = "ordered_at"\norder_value = "order_value"\n'
ODD = ("two words", "plus+plus", "über-größe", "日本語", "50%", "a&b", "[1]", "it's", "semi;colon", "dot.dot")


def export(folder: Path, name: str, query: str, options: str = "format csv, header") -> bytes:
    """Write a query's rows as a file and return its bytes."""
    file = folder / name
    duckdb.execute(f"copy ({query}) to '{str(file).replace(chr(39), chr(39) * 2)}' ({options})")
    return file.read_bytes()


def put_all(aws: Aws, folder: Path) -> int:
    """Put fifty inputs of all file types; return their number of data rows."""
    inputs = 0
    for seed in range(10):
        body = export(folder, f"{seed}.csv", orders_sql(10, seed))
        aws.put(f"{ODD[seed]}.csv", body)
        aws.put(f"zip/{seed}.csv.gz", gzip.compress(body))
        aws.put(f"semi/{seed}.csv", export(folder, "s.csv", orders_sql(10, seed), "format csv, header, delim ';'"))
        aws.put(f"parquet/{seed}.parquet", export(folder, "p.parquet", orders_sql(10, seed), "format parquet"))
        inputs += 4
    aws.put("mapped/map.toml", MAP.encode())
    for seed in range(5):
        body = export(folder, "m.csv", orders_sql(10, seed)).replace(b"customer_id,", b"Kunde,", 1)
        aws.put(f"mapped/{seed}.csv", body)
    parts = [export(folder, "h.parquet", f"{orders_sql(10)} limit 26 offset {at}", "format parquet") for at in (0, 26)]
    customers = export(
        folder, "c.csv", "select 'C' || i as customer_id, '2023-01-01' as signed_up_at from range(12) t(i)"
    )
    events = export(
        folder, "e.csv", "select 'C3' as customer_id, '2025-01-01' as occurred_at, 'email_open' as kind from range(7)"
    )
    for number in range(5):
        below = f"together/{number}/_files"
        for name, body in {
            "a.parquet": parts[0],
            "b.parquet": parts[1],
            "who.csv": customers,
            "e.csv.gz": gzip.compress(events),
        }.items():
            aws.put(f"{below}/{name}", body)
        together = {
            "orders": ["_files/a.parquet", "_files/b.parquet"],
            "customers": "_files/who.csv",
            "events": "_files/e.csv.gz",
        }
        aws.put(f"together/{number}/night.manifest.json", json.dumps(together).encode())
    assert inputs + 10 == 50
    rows = 52  # fifty orders of ten customers, a bad row, and an order after as_of
    return 45 * rows + 5 * (rows + 12 + 7)


@pytest.mark.slow
def test_fifty_files_of_all_kinds_account_for_every_row(aws: Aws, tmp_path: Path) -> None:
    rows = put_all(aws, tmp_path)

    answers = aws.poll(rounds=60)

    assert not any(answer["batchItemFailures"] for answer in answers)
    assert aws.dead_letters() == []
    written = aws.written()
    manifests = {key.rpartition("/")[0]: json.loads(body) for key, body in written.items() if key.endswith(".json")}
    assert len(manifests) == 50
    assert sum(manifest["rows_read"] for manifest in manifests.values()) == rows
    for prefix, manifest in manifests.items():
        check(manifest, written[f"{prefix}/part.parquet"], written[f"{prefix}/rejects.parquet"], tmp_path)


def check(manifest: dict[str, Any], part: bytes, rejects: bytes, folder: Path) -> None:
    """Check that a manifest's counts add up and equal those of its files."""
    assert manifest["rows_read"] == manifest["rows_kept"] + manifest["rows_rejected"]
    assert manifest["customers_read"] == manifest["customers_scored"] + manifest["customers_rejected"]
    scored = {row[0] for row in read(part, folder, "select customer_id from {}")}
    lines = read(rejects, folder, 'select "table", source_row, reason, row from {}')
    assert len(scored) == manifest["customers_scored"] == 10
    assert len([row for row in lines if row[1] is not None]) == manifest["rows_rejected"] == 1
    without = {json.loads(row[3])["customer_id"]: row[2] for row in lines if row[1] is None}
    late = {"C-late": "customer has no order before as_of"}
    others = {"C10": "customer has no order", "C11": "customer has no order"}
    assert without == (late | others if manifest["rows_read"] > 60 else late)
