"""The wheel, installed offline in a fresh environment: every command runs there, in an empty folder."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from regulars import __version__
from tools.lock import ROOT

pytestmark = pytest.mark.slow

Command = Callable[..., str]
DATA = "regulars_workbench/project_files"


def run(command: list[str | Path], folder: Path) -> str:
    """Run a command without this environment's variables; return its standard output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REGULARS_", "PYTHON"))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and this environment's other packages; nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--quiet", "--no-index", "--no-deps"]
    run([*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, ROOT], folder)
    [wheel] = folder.glob("regulars-*.whl")
    environment = folder / "environment"
    venv.create(environment)
    run([*pip, "--python", environment / "bin" / "python", "install", *offline, wheel], folder)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))  # its own .pth files are not read
    return environment


@pytest.fixture
def regulars(installed: Path, tmp_path: Path) -> Command:
    return lambda *arguments: run([installed / "bin" / "regulars", *map(str, arguments)], tmp_path)


def test_no_module_comes_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    names = "regulars, regulars_training, regulars_workbench"
    program = f"import {names}; print(*(package.__file__ for package in ({names})), sep='\\n')"
    files = run([installed / "bin" / "python", "-c", program], tmp_path).splitlines()
    assert [installed in Path(file).parents for file in files] == [True, True, True]


@pytest.mark.parametrize("folder", ["sql", "functions", "examples"])
def test_the_wheel_holds_the_projects_files(installed: Path, folder: str) -> None:
    def contents(root: Path) -> dict[Path, bytes]:
        files = (file for file in root.rglob("*") if file.is_file() and file.suffix != ".pyc")
        return {file.relative_to(root): file.read_bytes() for file in files}

    [copy] = installed.glob(f"lib/python*/site-packages/{DATA}/{folder}")
    assert contents(copy) == contents(ROOT / folder) != {}


def test_the_wheel_holds_the_maps_of_known_exports(installed: Path) -> None:
    inner = "regulars/ingest/exports"
    [copy] = installed.glob(f"lib/python*/site-packages/{inner}")
    maps = {path.name for path in (ROOT / "layers/core/python" / inner).glob("*.toml")}
    assert {path.name for path in copy.glob("*.toml")} == maps != set()


def test_it_says_its_version_and_helps(installed: Path, regulars: Command, tmp_path: Path) -> None:
    assert regulars("--version") == f"regulars {__version__}\n"
    help_text = run([installed / "bin" / "python", "-m", "regulars", "--help"], tmp_path)
    assert "From your order log" in help_text


def test_from_a_csv_file_to_a_plan_and_an_answer(regulars: Command, tmp_path: Path) -> None:
    """The commands that need SQL, functions or examples, one after the other."""
    regulars("simulate", "shop", "--customers", 600, "--years", 2, "--seed", 7)
    columns = "customer_id, ordered_at, order_value_cents / 100 as order_value"
    duckdb.sql(f"copy (select {columns} from '{tmp_path}/shop/orders/*.parquet') to '{tmp_path}/orders.csv'")
    regulars("ingest", "orders.csv", "--out", "lake", "--currency", "EUR")
    look = ("--as-of", "2025-07-01")
    regulars("check", "lake", "--horizon", 90)
    assert "Cohorts" in regulars("describe", "lake", *look)
    regulars("features", "lake", *look, "--out", "features.parquet")
    regulars("train", "lake", *look, "--horizon", 90, "--out", "bundle")
    regulars("score", "lake", "--bundle", "bundle", *look, "--out", "scores.parquet")
    regulars("examples")
    plan = ("--budget", 500, "--out", "plan.csv", "--prices", "prices.json")
    regulars("plan", "scores.parquet", "--actions", "examples/actions.toml", "--lake", "lake", *plan)
    regulars("publish", "--bundle", "bundle", "--prices", "prices.json", "--out", "bundle")
    for function in ("churn", "clv", "profile", "recommend", "segment"):
        assert '"statusCode": 200' in regulars("invoke", function, "--bundle", "bundle")
