"""`regulars export --to FILE.csv|FILE.json|FILE.jsonl`."""

import json
from pathlib import Path

import pytest

from regulars.data.lake import LakeInfo
from tests.command_line import Run
from tests.workbench.export.conftest import SCORES, copy, files, rows


def test_without_a_plan_there_is_one_file_of_all_customers_best_first(run: Run, out: Path) -> None:
    status, printed, _ = run("--to", out / "all.csv")
    assert status == 0
    assert f"Wrote {out / 'all.csv'}: 5 customers" in printed
    assert files(out) == ["all.csv"]
    assert rows(out / "all.csv")[0]["Customer"] == "007"


def test_a_plan_gives_a_file_for_each_action_and_one_for_the_control_group(run: Run, plan: Path, out: Path) -> None:
    assert run("--plan", plan, "--to", out / "july.csv")[0] == 0
    assert files(out) == ["july-call.csv", "july-control-do-not-contact.csv", "july-voucher.csv"]
    vouchers = rows(out / "july-voucher.csv")
    assert [row["Customer"] for row in vouchers] == ["007", "ada@example.com"]
    assert {row["Group"] for row in vouchers} == {"treated"}
    assert [row["Group"] for row in rows(out / "july-control-do-not-contact.csv")] == ["control"]


def test_numbers_dates_and_reasons_are_as_a_person_needs_them(run: Run, plan: Path, out: Path) -> None:
    run("--plan", plan, "--to", out / "july.csv")
    row = rows(out / "july-voucher.csv")[1]
    assert list(row)[:6] == ["Customer", "Action", "Channel", "Group", "Expected profit", "Cost"]
    assert row["Expected value in 90 days"] == "10.01"
    assert row["No order in 90 days (%)"] == "12.3"
    assert row["Expected orders in 90 days"] == "1.23"
    assert row["Next order expected"] == "2026-08-02"
    assert row["Scored as of"] == "2026-07-01"
    assert row["Why this action"] == "Churn 50.0 % to 40.0 %."
    assert row["Why this value"] == "No order for 120 days. =spent 10.006."
    assert row["Why this risk"] == "Opened 3 emails."


@pytest.mark.parametrize(
    ("currency", "decimals", "value"), [("JPY", 0, "10"), ("KWD", 3, "10.006"), ("XXX", 2, "10.01")]
)
def test_the_lakes_currency_is_in_the_headings(
    run: Run, out: Path, tmp_path: Path, currency: str, decimals: int, value: str
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    info = LakeInfo(currency=currency, minor_units=decimals, tables={})
    (lake / "lake.json").write_text(info.model_dump_json(), encoding="utf-8")
    assert run("--to", out / "all.csv", "--lake", lake)[0] == 0
    heading = "Expected value in 90 days" + ("" if currency == "XXX" else f" ({currency})")
    assert value in [row[heading] for row in rows(out / "all.csv")]


def test_what_a_spreadsheet_would_run_is_text(run: Run, out: Path) -> None:
    run("--to", out / "all.csv")
    written = rows(out / "all.csv")
    assert {row["Customer"] for row in written} == {
        *("007", "ada@example.com", "'=cmd()", " Bob@Example.com ", "'-5"),
    }
    assert {row["Segment"] for row in written} == {"'+segment"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "  =", "\n", "＝", "\x00"])  # noqa: RUF001 - a wide sign
def test_each_start_of_a_formula_is_made_harmless(run: Run, out: Path, scores: Path, start: str) -> None:
    copy(f"select * replace ('{start}x' as segment) from ({SCORES})", scores)
    run("--to", out / "all.csv")
    assert all(row["Segment"] == f"'{start}x" for row in rows(out / "all.csv"))


def test_json_has_names_for_programs_and_typed_values(run: Run, plan: Path, out: Path) -> None:
    run("--plan", plan, "--to", out / "july.json")
    best, second = json.loads((out / "july-voucher.json").read_text(encoding="utf-8"))
    assert (best["customer_id"], best["expected_profit"], best["churn_probability"]) == ("007", 9.0, 0.1235)
    assert (second["predicted_value"], second["as_of"]) == (10.01, "2026-07-01T00:00:00Z")
    assert files(out) == ["july-call.json", "july-control-do-not-contact.json", "july-voucher.json"]


def test_json_lines_have_one_customer_a_line(run: Run, out: Path) -> None:
    run("--to", out / "all.jsonl")
    lines = (out / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["customer_id"] for line in lines] == [
        "007",
        " Bob@Example.com ",
        "=cmd()",
        "ada@example.com",
        "-5",
    ]


def test_scores_whose_bundle_holds_a_plan_need_no_other(run: Run, out: Path, scores: Path) -> None:
    """Each customer is in one file, those without an action too."""
    advised = "if(customer_id = '007', null, 'call') as action, 'phone' as channel, 1.0 as expected_profit"
    arm = "case customer_id when '007' then null when '-5' then 'control' else 'treated' end as arm"
    copy(f"select *, {advised}, {arm} from ({SCORES})", scores)
    run("--to", out / "all.csv")
    counts = {name: len(rows(out / name)) for name in files(out)}
    assert counts == {"all-call.csv": 3, "all-control-do-not-contact.csv": 1, "all-no-action.csv": 1}


def test_an_empty_plan_gives_a_file_with_headings(run: Run, plan: Path, out: Path) -> None:
    plan.write_text(plan.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    status, printed, _ = run("--plan", plan, "--to", out / "july.csv")
    assert status == 0
    assert "0 customers" in printed
    assert (out / "july.csv").read_text(encoding="utf-8").startswith("Customer,Action,")


def test_files_of_an_earlier_export_are_named(run: Run, plan: Path, out: Path) -> None:
    """A list that the plan no longer has must not be mailed."""
    (out / "july-letter.csv").write_text("old", encoding="utf-8")
    (out / "notes.csv").write_text("mine", encoding="utf-8")
    _, _, warned = run("--plan", plan, "--to", out / "july.csv")
    assert f"note: {out / 'july-letter.csv'} is not part of this export" in warned
    assert "notes.csv" not in warned


def test_a_failure_replaces_no_file(run: Run, plan: Path, out: Path) -> None:
    """The last file cannot be written: the earlier ones stay as they were."""
    (out / "july-call.csv").write_text("old", encoding="utf-8")
    (out / "july-voucher.csv").mkdir()
    status, _, error = run("--plan", plan, "--to", out / "july.csv")
    assert status == 2
    assert "is not a regular file" in error
    assert files(out) == ["july-call.csv", "july-voucher.csv"]
    assert (out / "july-call.csv").read_text(encoding="utf-8") == "old"


def test_equal_input_gives_equal_bytes(run: Run, plan: Path, out: Path) -> None:
    for name in ("a", "b"):
        (out / name).mkdir()
        run("--plan", plan, "--to", out / name / "x.csv")
    for name in files(out / "a"):
        assert (out / "a" / name).read_bytes() == (out / "b" / name).read_bytes()
