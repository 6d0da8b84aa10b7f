"""`regulars batch` on this machine: the scores of a single run for any shards, and counts that add up."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer

from regulars.batch.counts import CountMismatchError, Counts
from regulars.errors import LakeError, SourceError
from regulars_workbench.cli.scores.batch import batch as command
from tests.regulars.batch.shop import AS_OF, orders_sql
from tests.workbench.batch.local_batch import batch, rows


@pytest.mark.parametrize("at_once", [40_960, 300])
def test_a_lake_gets_the_scores_of_the_single_run(
    lake: Path, bundle_folder: Path, alone: Path, tmp_path: Path, at_once: int
) -> None:
    manifest = batch(lake, bundle_folder, tmp_path / "out", at_once=at_once, csv=True)
    assert rows(tmp_path / "out" / "part.parquet") == rows(alone)
    assert json.loads((tmp_path / "out" / "_manifest.json").read_bytes()) == manifest
    assert manifest["customers_scored"] == len(rows(alone))
    reasons = duckdb.execute(f"select churn_reasons from read_csv('{tmp_path / 'out' / 'part.csv'}')").fetchall()
    assert len(reasons) == len(rows(alone))
    assert {len(json.loads(text)) for (text,) in reasons} == {3}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.parquet", "out"]


def test_threads_and_shards_do_not_change_the_result(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    batch(lake, bundle_folder, tmp_path / "one")
    batch(lake, bundle_folder, tmp_path / "two", at_once=500, threads=2)
    for name in ("part.parquet", "rejects.parquet", "_manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_raw_files_are_accounted_for_by_row_and_customer(bundle_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    duckdb.execute(f"copy ({orders_sql()}) to '{folder / 'orders.csv'}' (format csv, header)")
    (folder / "customers.csv").write_text("customer_id\nC1\nnobody\n")
    manifest = batch(folder, bundle_folder, tmp_path / "out", at_once=15)
    assert (manifest["rows_read"], manifest["rows_kept"], manifest["rows_rejected"]) == (204, 203, 1)
    assert (manifest["customers_read"], manifest["customers_scored"], manifest["customers_rejected"]) == (42, 40, 2)
    assert manifest["rejected"] == {
        "customer has no order": 1,
        "customer has no order before as_of": 1,
        "ordered_at does not parse": 1,
    }
    assert len(rows(tmp_path / "out" / "rejects.parquet")) == 3


def test_a_lake_that_lacks_files_is_refused(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "lake", ignore=shutil.ignore_patterns("events"))
    with pytest.raises(LakeError, match=r"events of .*lake holds 0 rows, but lake\.json says [\d,]+; copy"):
        batch(tmp_path / "lake", bundle_folder, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lake"]


def test_an_unsuitable_out_is_refused_before_any_work(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "lake")
    with pytest.raises(SourceError, match=r"--out .* lies inside .*lake, which is read"):
        batch(tmp_path / "lake", bundle_folder, tmp_path / "lake" / "scores")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear", encoding="utf-8")
    with pytest.raises(SourceError, match="is not ours to replace"):
        batch(lake, bundle_folder, tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lake", "mine"]


@pytest.mark.parametrize("wrong", ["rows_kept", "customers_scored", "rows_rejected", "customers_read"])
def test_counts_that_do_not_add_up_are_refused(wrong: str) -> None:
    right = Counts(10, 8, 2, 5, 4, 1, {"a": 2, "b": 1})
    right.check(4, 3)
    with pytest.raises(CountMismatchError, match="do not add up"):
        Counts(**{**right.to_dict(), wrong: 7}).check(4, 3)
    with pytest.raises(CountMismatchError, match=r"rows of part\.parquet"):
        right.check(3, 3)


def test_many_columns_of_a_small_file_are_read_with_more_memory(bundle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    wide = "".join(f", 'x' as c{number}" for number in range(1_990))
    duckdb.execute(f"copy (select *{wide} from ({orders_sql()})) to '{file}' (format csv, header)")
    assert batch(file, bundle_folder, tmp_path / "out")["rows_read"] == 202


@pytest.mark.parametrize(
    ("option", "cause"),
    [
        ({"buckets": 3}, "--buckets is for s3://"),
        ({"map_file": Path("map.toml")}, "a lake is already mapped"),
    ],
)
def test_an_option_without_effect_is_refused(
    lake: Path, bundle_folder: Path, tmp_path: Path, option: dict[str, Any], cause: str
) -> None:
    with pytest.raises(typer.BadParameter, match=cause):
        command(str(lake), bundle=bundle_folder, out=tmp_path / "out", as_of=AS_OF, **option)


@pytest.mark.parametrize("inside", ["orders.csv", "night.manifest.json", "bundle"])
def test_an_out_that_contains_an_input_is_refused(bundle_folder: Path, tmp_path: Path, inside: str) -> None:
    """Other files may have been put into an earlier result's folder."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "_manifest.json").write_text("{}", encoding="utf-8")
    file = (out if inside == "orders.csv" else tmp_path) / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    (out / "night.manifest.json").write_text('{"orders": "../orders.csv"}', encoding="utf-8")
    shutil.copytree(bundle_folder, out / "bundle")
    source = out / inside if inside.endswith("json") else file
    bundle = out / "bundle" if inside == "bundle" else bundle_folder
    with pytest.raises(SourceError, match=rf"{inside} lies inside --out .*out, which is replaced"):
        batch(source, bundle, out)
    assert {"_manifest.json", "night.manifest.json", "bundle"} <= {path.name for path in out.iterdir()}
    assert file.exists()


def test_an_error_of_currency_names_the_file(bundle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    columns = "".join(f'{name} = "{name}"\n' for name in ("customer_id", "ordered_at", "order_value"))
    (tmp_path / "map.toml").write_text(f'currency = "JPY"\n[orders]\n{columns}', encoding="utf-8")
    with pytest.raises(LakeError, match=rf"^{file} is in JPY"):
        batch(file, bundle_folder, tmp_path / "out")


def test_a_damaged_file_of_a_lake_is_an_error(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "lake")
    (tmp_path / "lake" / "orders" / "more.parquet").write_bytes(b"PAR1")
    with pytest.raises(LakeError, match="lake/orders has a file that is damaged or not a Parquet file; ingest again"):
        batch(tmp_path / "lake", bundle_folder, tmp_path / "out")


def test_a_map_for_objects_in_s3_is_not_an_option() -> None:
    with pytest.raises(typer.BadParameter, match=r"put it beside the objects as map\.toml"):
        command("s3://bucket/incoming/", map_file=Path("map.toml"))
