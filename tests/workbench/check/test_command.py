"""The command `regulars check`: output, files and exit status."""

import json
from pathlib import Path

import pytest

from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder
from regulars.errors import LakeError
from regulars_workbench.check.report import CheckReport
from tests.command_line import Run, command_line
from tests.workbench.check.lakes import checked, copied, rewrite


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(lake, ...)` returns exit status, standard output and standard error."""
    return command_line(monkeypatch, capsys, "check")


def test_sufficient_is_0_with_tables_picture_and_json(run: Run, lake: Path, tmp_path: Path) -> None:
    document, picture = tmp_path / "check.json", tmp_path / "check.png"
    status, out, _ = run(lake, "--json", document, "--picture", picture)
    assert status == 0
    assert "Training data for a horizon of 90 days" in out
    assert "Yes: the history is enough for 90 days" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    report = CheckReport.model_validate_json(document.read_bytes())
    assert json.loads(document.read_bytes()) == json.loads(report.model_dump_json())
    assert report.format == 1


def test_json_alone_goes_to_standard_output(run: Run, lake: Path, tmp_path: Path) -> None:
    status, out, err = run(lake, "--json", "-", "--horizon", 400, "--picture", tmp_path / "out.png")
    report = CheckReport.model_validate_json(out)
    assert (status, report.passed, report.history.horizon_days) == (3, False, 400)
    assert "Wrote" in err


def test_an_error_is_3(run: Run, shop: Path, tmp_path: Path) -> None:
    copied(shop, tmp_path / "lake")
    rewrite(tmp_path / "lake", "treatments", "select * replace ('holdout' as arm) from treatments")
    status, out, _ = run(tmp_path / "lake")
    assert status == 3
    assert "No: error: unknown_arms" in out


def test_a_folder_that_is_no_lake_is_2(run: Run, tmp_path: Path) -> None:
    status, out, err = run(tmp_path)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: no lake at {tmp_path}")


def test_a_lake_without_a_row_is_3(run: Run, shop: Path, tmp_path: Path) -> None:
    lake = copied(shop, tmp_path / "lake")
    for table in TABLES:
        rewrite(lake, table, f"from {table} where false")
    status, out, err = run(lake, "--picture", tmp_path / "out.png")
    assert status == 3
    assert "the lake has no order that is not a return" in out
    assert "no picture" in err
    assert not (tmp_path / "out.png").exists()


def test_a_damaged_lake_is_named(shop: Path, tmp_path: Path, sql: SqlFolder) -> None:
    copied(shop, tmp_path / "lake")
    (tmp_path / "lake" / "orders" / "part.parquet").write_bytes(b"no parquet")
    with pytest.raises(LakeError, match="damaged"):
        checked(tmp_path / "lake", sql)
