"""The house: who imports whom, what happens at import, and what each task brings along."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import regulars
from regulars.api import ROUTES, create_app
from regulars.tasks import TASKS

ROOT = Path(__file__).parents[1]
CORE = ROOT / "layers" / "core" / "python" / "regulars"
FILES = sorted(CORE.rglob("*.py"))
TRAINING_ONLY = {"sklearn", "xgboost", "polars", "joblib", "onnx", "typer", "rich", "altair", "pyarrow", "pandas"}
HTTP = {"api", "problems", "routes"}
HTTP_ONLY = {"fastapi": HTTP, "starlette": HTTP, "mangum": {"api"}}
OURS = {"functions", "training", "tests", "benchmarks", "layers"}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CORE)))


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(file: Path) -> Iterator[str]:
    """Name every module that a file imports, wherever in it; `from regulars import x` as `regulars.x`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(file: Path) -> str:
    """Name the layer that a file of the package belongs to: its module, or its folder."""
    return file.relative_to(CORE).with_suffix("").parts[0]


def order() -> list[str]:
    """Return the layers from lowest to highest, as the package's docstring tells them."""
    said = (regulars.__doc__ or "").partition("direction of imports:")[2]
    return re.findall(r"\w+", said)


def test_the_docstring_names_every_layer_once() -> None:
    layers = {layer(file) for file in FILES} - {"__init__"}
    assert sorted(order()) == sorted(layers)


@each_file
def test_imports_point_down(file: Path) -> None:
    """A layer imports the ones that the docstring names before it, and itself."""
    known = [*order(), "__init__"]
    used = {name.split(".")[1] for name in imports(file) if name.startswith("regulars.")} & set(known)
    assert [name for name in used if known.index(name) > known.index(layer(file))] == []


@each_file
def test_the_package_knows_nothing_of_who_uses_it(file: Path) -> None:
    tops = {name.partition(".")[0] for name in imports(file)}
    assert not tops & OURS
    assert not tops & TRAINING_ONLY


@each_file
def test_http_stays_in_its_files(file: Path) -> None:
    for library, allowed in HTTP_ONLY.items():
        if any(name.partition(".")[0] == library for name in imports(file)):
            assert layer(file) in allowed, f"{library} in {file.name}"


def test_nobody_imports_a_function() -> None:
    files = [*FILES, *(ROOT / "training").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    assert not [file for file in files if any(name.partition(".")[0] == "functions" for name in imports(file))]


WORK = {"settings", "connect", "open", "process_loader", "getenv", "Bundle", "read_text", "read_bytes"}


@each_file
def test_nothing_is_opened_at_import(file: Path) -> None:
    """No call outside of functions reads the environment, a file or a database."""
    outside = [node for node in tree(file).body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    calls = [node.func for part in outside for node in _at_import(part) if isinstance(node, ast.Call)]
    names = {func.id if isinstance(func, ast.Name) else getattr(func, "attr", "") for func in calls}
    assert not names & WORK


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs at import: a class's body, but not its methods'."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _at_import(child)


def test_the_package_imports_without_environment_or_training_libraries(tmp_path: Path) -> None:
    """All of it, from an empty folder; models, ONNX Runtime and boto3 are not touched before somebody asks."""
    names = ", ".join(f"regulars.{name}" for name in order())
    late = sorted({*TRAINING_ONLY, "onnxruntime", "boto3"})
    program = f"import sys, {names}; print([name for name in {late} if name in sys.modules])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REGULARS_", "PYTHON"))}
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "place",
    ["layers/core/python/regulars/tasks/{}.py", "training/{}.py", "functions/{}/app.py", "functions/{}/event.json"],
)
def test_a_task_has_its_file(task: str, place: str) -> None:
    assert (ROOT / place.format(task)).is_file(), f"{task} lacks {place.format(task)}"


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_has_its_function_stanza_and_path(route: str) -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert f"\n  {route.title()}Function:" in template, f"template.yaml lacks {route.title()}Function"
    assert f"\n          /v1/{route}:\n            post:" in template
    assert f"/v1/{route}" in create_app(route).openapi()["paths"]


@pytest.mark.parametrize("app", sorted((ROOT / "functions").glob("*/app.py")), ids=lambda app: app.parent.name)
def test_an_entry_has_no_logic(app: Path) -> None:
    """A docstring, imports and assignments, under 12 lines."""
    assert len(app.read_text(encoding="utf-8").splitlines()) < 12
    first, *rest = tree(app).body
    assert isinstance(first, ast.Expr)
    assert all(isinstance(node, ast.ImportFrom | ast.Import | ast.Assign) for node in rest)
    assert not [node for node in ast.walk(tree(app)) if isinstance(node, ast.If | ast.IfExp | ast.BoolOp)]
    assert [target.id for target in rest[-1].targets if isinstance(target, ast.Name)] == ["handler"]
