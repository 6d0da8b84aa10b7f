"""The command line: results of each command, and errors."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from rich.text import Text
from threadpoolctl import threadpool_limits

from regulars.data.lake import read_info
from regulars.models.bundle import Bundle
from regulars_workbench.cli import app
from tests.command_line import Run, command_line
from tests.conftest import ROOT, forget_process

COMMANDS = sorted(command.name or getattr(command.callback, "__name__", "") for command in app.app.registered_commands)


@pytest.fixture
def run(cold: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("train", lake, ...)` returns exit status, standard output and standard error."""
    command = command_line(cold, capsys)

    def afresh(*arguments: object) -> tuple[int, str, str]:
        forget_process()
        return command(*arguments)

    return afresh


def test_the_commands_are_these() -> None:
    assert COMMANDS == [
        "backtest",
        "batch",
        "check",
        "describe",
        "examples",
        "export",
        "features",
        "ingest",
        "invoke",
        "map",
        "measure",
        "models",
        "plan",
        "publish",
        "redrive",
        "score",
        "serve",
        "simulate",
        "train",
        "uplift",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    """The help has the first sentence of the command's docstring."""
    status, out, _ = run(command, "--help")
    out = Text.from_ansi(out).plain  # where CI is set, help is coloured even in a pipe
    assert status == 0
    assert f"Usage: regulars {command}" in out
    registered = next(
        entry for entry in app.app.registered_commands if command in (entry.name, entry.callback.__name__)
    )
    assert registered.callback
    assert (registered.callback.__doc__ or "").split(":")[0].split(",")[0].rstrip(".") in out


def refused(answer: tuple[int, str, str], message: str) -> None:
    """Check for exit status 2 and one error line on standard error, without counting notes."""
    status, _, printed = answer
    err = "".join(line for line in printed.splitlines(keepends=True) if not line.startswith("note:"))
    assert status == 2
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.slow
def test_training_again_gives_the_same_bytes(run: Run, lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    """Training by the command line, with more threads and in another folder, gives the same id and files."""
    out = tmp_path / "bundle"
    with threadpool_limits(1):
        status, printed, _ = run("train", lake, "--as-of", "2025-07-01", "--horizon", 90, "--out", out)
    assert status == 0
    assert Bundle(out).manifest.bundle in printed
    assert "Verdict" in printed
    prices = bundle_folder / "recommend" / "prices.json"
    assert run("publish", "--bundle", out, "--prices", prices, "--out", out)[0] == 0
    files = {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    first = {file.relative_to(bundle_folder): file.read_bytes() for file in bundle_folder.rglob("*") if file.is_file()}
    assert {str(name) for name in files if files[name] != first.get(name)} == set()
    assert files.keys() == first.keys()


def test_simulate_makes_a_lake_that_features_reads(run: Run, tmp_path: Path) -> None:
    assert run("simulate", tmp_path / "lake", "--customers", 50, "--years", 1, "--seed", 3)[0] == 0
    out = tmp_path / "features.parquet"
    status, printed, _ = run("features", tmp_path / "lake", "--as-of", "2024-06-30", "--out", out)
    rows = duckdb.sql(f"select count(*), count(ltv_to_cac) from '{out}'").fetchall()[0]
    assert status == 0
    assert f"{rows[0]} customers as of 2024-06-30 00:00Z" in printed
    assert 0 < rows[1] <= rows[0] <= 50


def test_simulate_checks_itself(run: Run, tmp_path: Path) -> None:
    """--check passes with status 0, and fails with status 1 when orders are missing."""
    lake = tmp_path / "lake"
    asked = ("--customers", 4_000, "--years", 2, "--as-of", "2025-01-01", "--shop", "subscription-like", "--defects")
    assert run("simulate", lake, *asked)[0] == 0
    status, printed, _ = run("simulate", "--check", lake)
    assert (status, "FAIL" in printed) == (0, False)
    assert (lake / "defects" / "ledger.json").exists()
    [orders] = (lake / "orders").iterdir()
    duckdb.sql(f"copy (from '{orders}' where hash(order_id) % 5 > 0) to '{tmp_path}/fewer.parquet'")
    (tmp_path / "fewer.parquet").replace(orders)
    status, printed, _ = run("simulate", "--check", lake)
    assert status == 1
    assert "FAIL" in printed


def test_features_with_a_bundle_use_its_cut_points(run: Run, lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    columns = "customer_id, recency_score, frequency_score, monetary_score"
    out, scores = tmp_path / "features.parquet", tmp_path / "scores.parquet"
    at = ("--as-of", "2024-12-01", "--bundle", bundle_folder)
    run("features", lake, *at, "--out", out)
    status, printed, err = run("score", lake, *at, "--out", scores, "--top", 3)
    assert status == 0
    assert "The 3 customers with the highest predicted value" in printed
    assert "not a forecast on unseen time" in err
    assert duckdb.sql(f"(select {columns} from '{out}') except (select {columns} from '{scores}')").fetchall() == []


def test_models_verifies_every_file(run: Run, bundle_folder: Path) -> None:
    status, printed, _ = run("models", bundle_folder)
    assert status == 0
    assert Bundle(bundle_folder).manifest.bundle in printed
    assert "churn/leaf_finder.onnx" in printed


def test_invoke_runs_a_functions_own_event(run: Run, bundle_folder: Path) -> None:
    status, printed, _ = run("invoke", "churn", "--bundle", bundle_folder)
    assert status == 0
    assert '"churn_probability"' in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("models", "/nowhere"), 'no bundle at /nowhere; run "regulars train" or set REGULARS_BUNDLE'),
        (("features", "/nowhere", "--as-of", "2025-01-01", "--out", "x"), "no lake at /nowhere"),
        (("invoke", "clvv", "--bundle", "/nowhere"), "no function clvv; there are"),
        (("simulate", "x", "--customers", "0"), "customers is 0; ask for 1 to"),
    ],
)
def test_an_error_is_one_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    refused(run(*arguments), message)


def test_a_failed_score_leaves_the_old_file_and_nothing_else(
    run: Run, lake: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores.parquet"
    out.write_text("old")
    at = ("score", lake, "--bundle", bundle_folder, "--out", out, "--as-of")
    refused(run(*at, "2020-01-01"), "no order before as_of 2020-01-01")
    refused(run(*at, "tomorrow"), "is not a date or timestamp")
    refused(run("score", lake, "--bundle", tmp_path, "--out", out, "--as-of", "2025-01-01"), "no bundle at")
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


def test_a_failed_train_leaves_no_bundle(run: Run, lake: Path, tmp_path: Path) -> None:
    answer = run("train", lake, "--as-of", "2023-07-10", "--out", tmp_path / "bundle")
    refused(answer, "days of history before as_of are too short")
    assert list(tmp_path.iterdir()) == []


def test_the_currency_is_that_of_the_map_or_of_the_command(run: Run, tmp_path: Path) -> None:
    orders, lake = tmp_path / "orders.csv", tmp_path / "lake"
    orders.write_text("customer_id,ordered_at,order_value\na,2024-01-01,5\n")
    without, with_currency = tmp_path / "without.toml", tmp_path / "with_currency.toml"
    without.write_text('timezone = "UTC"\n')
    with_currency.write_text('currency = "GBP"\n')

    def currency(*options: object) -> str:
        status, _, err = run("ingest", orders, "--out", lake, *options)
        assert (status, err) == (0, "")
        return read_info(lake).currency

    assert currency("--currency", "JPY") == "JPY"
    assert currency("--map", without, "--currency", "JPY") == "JPY"
    assert currency("--map", with_currency, "--currency", "JPY") == "GBP"
    refused(run("ingest", orders, "--out", lake, "--currency", "eur"), "currency")


def test_brackets_in_ids_and_paths_are_no_markup(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("simulate", tmp_path / "[red]", "--customers", 5, "--years", 1)
    assert status == 0
    assert "[red]" in out
    refused(run("models", tmp_path / "[/x]"), "[/x]")


def test_train_refuses_before_it_works(run: Run, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    at = ("--as-of", "2025-07-01")
    refused(run("train", lake, *at, "--out", tmp_path), "exists and has no manifest.json")
    refused(run("train", lake, *at, "--out", tmp_path / "out", "--horizon", 1), "shorter than a week")


def test_invoke_fails_when_the_function_does(run: Run, bundle_folder: Path, tmp_path: Path) -> None:
    status, out, _ = run("invoke", "clv", "--bundle", tmp_path / "none")
    assert status == 1
    assert "regulars train" in out
    foreign = tmp_path / "event.json"
    foreign.write_text("[]")
    refused(run("invoke", "clv", "--bundle", bundle_folder, "--event", foreign), "does not take the event")


def test_an_error_of_the_system_is_one_line(run: Run, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(
        run("features", lake, "--as-of", "2025-07-01", "--out", tmp_path / "file" / "out.parquet"), "cannot be made"
    )
    refused(run("features", lake, "--as-of", "0001-01-01T00:00:00+05:00", "--out", tmp_path / "out"), "as_of")
    refused(run("features", lake, "--as-of", "2025-07-01", "--out", tmp_path / "out", "--memory-limit", "foo"), "foo")


def test_a_command_imports_only_what_it_needs() -> None:
    """The command line does not load libraries that only some commands need."""
    late = ["scipy", "sklearn", "xgboost", "polars", "altair", "onnxruntime", "boto3", "fastapi"]
    program = f"import sys, regulars_workbench.cli.app; print([name for name in {late} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own text
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["score", "features"])
def test_a_name_that_promises_another_format_is_refused_first(run: Run, tmp_path: Path, command: str) -> None:
    bundle = ("--bundle", tmp_path / "none") if command == "score" else ()
    refused(
        run(command, tmp_path / "lake", *bundle, "--as-of", "2024-01-01", "--out", tmp_path / "s.xlsx"),
        "s.xlsx: the file is written as .parquet",
    )
