"""`regulars export --to FILE.xlsx`."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from regulars_workbench.export import workbook
from regulars_workbench.export.layouts import SHEET_ROWS, WORKBOOK
from tests.command_line import Run
from tests.workbench.export.conftest import SCORES, copy, files


def sheets(file: Path) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(file))
    return {name: list(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names}


def test_a_sheet_for_each_action_and_the_control_group_last(run: Run, plan: Path, out: Path) -> None:
    status, printed, _ = run("--plan", plan, "--to", out / "july.xlsx")
    assert status == 0
    assert "call 1 customers; voucher 2 customers; control - do not contact 1 customers" in printed
    assert list(sheets(out / "july.xlsx")) == ["call", "voucher", "control - do not contact"]
    assert files(out) == ["july.xlsx"]


def test_cells_have_their_types(run: Run, plan: Path, out: Path) -> None:
    run("--plan", plan, "--to", out / "july.xlsx")
    heads, best, _ = sheets(out / "july.xlsx")["voucher"]
    cells = dict(zip(heads, best, strict=True))
    assert cells["Customer"] == "007"
    assert cells["Expected profit"] == 9.0
    assert cells["No order in 90 days (%)"] == 12.3
    assert cells["Next order expected"] == date(2026, 8, 2)
    assert cells["RFM"] == 555


def test_texts_are_no_formulas_and_have_no_apostrophe(run: Run, out: Path) -> None:
    run("--to", out / "all.xlsx")
    ids = {str(row[0]) for row in sheets(out / "all.xlsx")["customers"][1:]}
    assert {"=cmd()", "-5"} <= ids


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(run: Run, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHEET_ROWS + 1 == 2**20
    monkeypatch.setattr("regulars_workbench.export.destinations.LAYOUTS", {".xlsx": replace(WORKBOOK, most_rows=2)})
    run("--to", out / "all.xlsx")
    written = sheets(out / "all.xlsx")
    assert {name: len(rows) - 1 for name, rows in written.items()} == {
        "customers": 2,
        "customers 2": 2,
        "customers 3": 1,
    }
    assert written["customers"][0] == written["customers 3"][0]


def test_rows_are_written_in_blocks(run: Run, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "BLOCK", 2)
    run("--to", out / "all.xlsx")
    assert len(sheets(out / "all.xlsx")["customers"]) == 6


def test_a_text_that_no_cell_holds_is_refused_by_name(run: Run, out: Path, scores: Path) -> None:
    copy(f"select * replace (repeat('x', 40000) as segment) from ({SCORES})", scores)
    status, _, error = run("--to", out / "all.xlsx")
    assert status == 2
    assert "segment of customer 007 is longer than a cell may be" in error
    assert files(out) == []


def test_equal_input_gives_equal_bytes(run: Run, plan: Path, out: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        run("--plan", plan, "--to", out / name)
    assert (out / "a.xlsx").read_bytes() == (out / "b.xlsx").read_bytes()
