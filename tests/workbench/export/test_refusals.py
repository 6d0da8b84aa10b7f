"""What `regulars export` refuses, before it reads or computes anything where that is possible."""

from pathlib import Path

import pytest

from regulars.errors import SourceError
from regulars_workbench.export.destinations import Table, destination
from regulars_workbench.export.names import file_words, sheet_names
from tests.command_line import Run
from tests.workbench.export.conftest import PLAN, SCORES, copy


@pytest.mark.parametrize(
    ("to", "form", "message"),
    [
        ("scores.pdf", None, "ends with none of .xlsx, .csv, .json, .jsonl"),
        ("scores", None, "ends with none of"),
        ("mysql://h/d/t", None, "mysql:// is not supported"),
        ("x.xlsx", "klaviyo", "name one that ends with .csv"),
        ("x.csv", "mailchimp", "--as mailchimp is not known; there are: klaviyo, hubspot, google-ads"),
        ("postgresql://h/d/t", "hubspot", "is a form of file"),
        ("postgresql://h/table", None, "does not name database and table"),
        ("postgresql://u:hush@h/d/t", None, "give it by PGPASSWORD or --password-file"),
        ("postgresql://h/d/t?password=hush", None, "give it by PGPASSWORD or --password-file"),
        ("postgresql://h:port/d/t", None, "does not name database and table"),
    ],
)
def test_what_cannot_be_written_is_refused_before_scores_are_read(
    run: Run, scores: Path, to: str, form: str | None, message: str
) -> None:
    scores.write_text("no scores")
    with pytest.raises(SourceError, match=message):
        destination(to, form)
    status, _, error = run("--to", to, *(("--as", form) if form else ()))
    assert status == 2
    assert message in error
    assert "hush" not in error


def test_a_url_names_server_database_and_table() -> None:
    assert destination("postgres://ann@[::1]:5433/shop/marketing.scores?sslmode=require", None) == Table(
        name="scores",
        schema="marketing",
        settings={"sslmode": "require", "host": "::1", "port": "5433", "user": "ann", "dbname": "shop"},
    )
    named = destination("postgresql://%2Ftmp%2FRun/shop/scores", None)
    assert isinstance(named, Table)
    assert named.settings["host"] == "/tmp/Run"  # noqa: S108 - a socket's folder


def test_what_is_read_is_not_replaced(run: Run, plan: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    for options in (
        ("--plan", plan, "--to", plan),
        ("--emails", tmp_path / "e.csv", "--to", tmp_path / "e.csv"),
        ("--lake", lake, "--to", lake / "x.csv"),
        ("--plan", tmp_path / "link.csv", "--to", plan),
    ):
        (tmp_path / "link.csv").unlink(missing_ok=True)
        (tmp_path / "link.csv").symlink_to(plan)
        status, _, error = run(*options)
        assert status == 2
        assert "is read by this export" in error
    beside = tmp_path / "july-voucher.csv"
    plan.rename(beside)
    status, _, error = run("--plan", beside, "--to", tmp_path / "july.csv")
    assert (status, "july-voucher.csv is read by this export" in error) == (2, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("select * exclude (churn_probability) from ({})", "no column churn_probability"),
        ("select * from ({}) union all select * from ({})", "5 rows too many"),
        ("select * replace (null as customer_id) from ({})", "5 rows too many"),
        ("select * replace (if(customer_id = '007', 30, 90) as horizon_days) from ({})", "more than one as_of"),
    ],
)
def test_wrong_scores_are_refused(run: Run, scores: Path, out: Path, change: str, message: str) -> None:
    copy(change.replace("{}", SCORES), scores)
    status, _, error = run("--to", out / "x.csv")
    assert status == 2
    assert message in error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("select * exclude (arm) from ({})", "no column arm"),
        ("select * replace ('maybe' as arm) from ({})", "arm is 'maybe'"),
        ("select * replace (timestamp '2026-06-01' as as_of) from ({})", "is for scores as of 2026-06-01"),
        ("select * replace ('stranger' as customer_id) from ({})", "4 customers have no score"),
    ],
)
def test_a_plan_of_other_scores_is_refused(run: Run, plan: Path, out: Path, change: str, message: str) -> None:
    copy(change.replace("{}", PLAN), plan)
    status, _, error = run("--plan", plan, "--to", out / "x.csv")
    assert status == 2
    assert message in error


@pytest.mark.parametrize("option", ["--plan", "--emails"])
def test_files_that_are_not_there_are_named(run: Run, out: Path, option: str) -> None:
    status, _, error = run("--to", out / "x.csv", option, out / "none.csv")
    assert status == 2
    assert "none.csv" in error


def test_sheets_have_names_that_excel_takes() -> None:
    assert sheet_names(["a/b", "A-B", "History", "'x'", "", "y" * 40, "Y" * 40]) == [
        *("a-b", "A-B 2", "history-", "x", "sheet", "y" * 31, "Y" * 29 + " 2"),
    ]


def test_files_have_names_that_any_system_takes() -> None:
    assert file_words(["../x", "a b", "A_B", "a_b", "?"]) == ["x", "a-b", "A_B", "a_b-2", "action"]
