"""Inputs that can be scored, and the errors for the others."""

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.errors import HistoryError, SourceError
from regulars_workbench.batch.resources import Resources
from regulars_workbench.batch.run import Run
from regulars_workbench.batch.source import open_source
from tests.regulars.batch.shop import AS_OF, orders_sql
from tests.workbench.batch.local_batch import batch, silent


def test_a_manifest_names_files_to_score_together(bundle_folder: Path, tmp_path: Path) -> None:
    duckdb.execute(f"copy ({orders_sql()}) to '{tmp_path / 'events of May.parquet'}' (format parquet)")
    (tmp_path / "who.csv").write_text("customer_id\nC1\nnobody\n")
    content = {"orders": "events of May.parquet", "customers": ["who.csv"], "as_of": AS_OF}
    (tmp_path / "night.manifest.json").write_text(json.dumps(content))
    opened = open_source(tmp_path / "night.manifest.json", as_of=None, map_file=None, csv=False)
    manifest = Run(opened, bundle_folder, tmp_path / "out", Resources(1), silent)()
    assert (manifest["rows_read"], manifest["customers_read"]) == (204, 42)


def test_an_input_that_cannot_be_scored_says_why(bundle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("customer_id,ordered_at,order_value\na,2030-01-01,1\n")
    with pytest.raises(HistoryError, match="no order before as_of"):
        batch(file, bundle_folder, tmp_path / "out")
    with pytest.raises(SourceError, match="give --as-of"):
        open_source(file, as_of=None, map_file=None, csv=False)
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "none.csv", as_of=AS_OF, map_file=None, csv=False)
    (tmp_path / "x.manifest.json").write_text('{"customers": "a"}')
    with pytest.raises(SourceError, match=r"x\.manifest\.json: orders: field required"):
        open_source(tmp_path / "x.manifest.json", as_of=AS_OF, map_file=None, csv=False)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ({"orders": "a.csv"}, r"names a\.csv, which does not exist"),
        ({"orders": ["o.csv", "./o.csv"]}, r"names o\.csv twice; name each file once"),
        ({"orders": "o.csv", "events": "o.csv"}, r"names o\.csv twice"),
        ({"orders": ["o.csv", "part-0000"]}, r"names part-0000, which has an unsupported file type; use \.csv"),
        ({"orders": "."}, r"names \., which has an unsupported file type"),
        ({"orders": []}, "names no orders; name at least one file"),
        ({"orders": "o.csv", "more": 1}, "more: extra inputs are not permitted"),
        ({"orders": "o.csv", "map": "none.toml"}, r"names none\.toml, which does not exist"),
        ({"orders": ["o.csv", "link.csv"]}, r"names .*o\.csv twice, once by a link"),
    ],
)
def test_a_manifest_that_cannot_be_followed_says_why(tmp_path: Path, content: dict[str, Any], cause: str) -> None:
    (tmp_path / "o.csv").write_text("customer_id,ordered_at,order_value\na,2024-01-01,1\n", encoding="utf-8")
    (tmp_path / "part-0000").write_text("more", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "o.csv")
    (tmp_path / "x.manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SourceError, match=cause):
        open_source(tmp_path / "x.manifest.json", as_of=AS_OF, map_file=None, csv=False)


def test_all_files_of_a_manifest_are_read_whatever_their_names(bundle_folder: Path, tmp_path: Path) -> None:
    """Hidden names, numbered names, a name of another table, the same name in two folders, and a long name."""
    names = ["_1.csv", ".2.csv", "orders-1-b.csv", "b.csv", "customers.csv", "x/b.csv", f"{'n' * 240}.csv"]
    (tmp_path / "x").mkdir()
    for number, name in enumerate(names):
        query = f"select * from ({orders_sql(60)}) limit 20 offset {20 * number}"
        duckdb.execute(f"copy ({query}) to '{tmp_path / name}' (format csv, header)")
    (tmp_path / "x" / "b.csv").write_text("customer_id,ordered_at,order_value\nC1,soon,1\n", encoding="utf-8")
    (tmp_path / "all.manifest.json").write_text(json.dumps({"orders": names, "as_of": AS_OF}), encoding="utf-8")
    opened = open_source(tmp_path / "all.manifest.json", as_of=None, map_file=None, csv=False)
    manifest = Run(opened, bundle_folder, tmp_path / "out", Resources(1), silent)()
    assert (manifest["rows_read"], manifest["rows_rejected"]) == (121, 1)
    rejected = (
        f"select source_file from read_parquet('{tmp_path / 'out' / 'rejects.parquet'}') where source_file is not null"
    )
    assert duckdb.execute(rejected).fetchall() == [("x/b.csv",)]


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv"))
    file.write_text("customer_id,ordered_at,order_value\na,2024-01-01,1\n", encoding="utf-8")
    for path in (file, tmp_path):
        with pytest.raises(SourceError, match=r"xff.csv' is not UTF-8; rename it"):
            open_source(path, as_of=AS_OF, map_file=None, csv=False)
