"""The architecture: direction of imports, what runs at import, and the files that each task needs."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from regulars.api.app import ROUTES, create_app
from regulars.models.tasks import TASKS

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "regulars": ROOT / "layers" / "core" / "python" / "regulars",
    "regulars_training": ROOT / "training" / "regulars_training",
    "regulars_workbench": ROOT / "workbench" / "regulars_workbench",
}
"""Each package may import itself and the packages before it."""

CORE = PACKAGES["regulars"]
FILES = sorted(CORE.rglob("*.py"))
ALL_FILES = [(package, file) for package, root in PACKAGES.items() for file in sorted(root.rglob("*.py"))]
TRAINING_ONLY = {"sklearn", "xgboost", "polars", "joblib", "onnx", "typer", "rich", "altair", "pyarrow", "pandas"}
HTTP_ONLY = {"fastapi", "starlette", "mangum"}
NOT_SHIPPED = {"functions", "tests", "benchmarks", "tools"}
MOST_MODULES = 12
MAIN = "__main__"
"""It starts the command line through its entry point, and imports none of the project's packages."""

each_core_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CORE)))
each_file = pytest.mark.parametrize(
    ("package", "file"),
    ALL_FILES,
    ids=[f"{package}/{file.relative_to(PACKAGES[package])}" for package, file in ALL_FILES],
)


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(file: Path) -> Iterator[str]:
    """Yield each module that a file imports, at any place in it; `from regulars import x` gives `regulars.x`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module(package: str, file: Path) -> str:
    """Return the module or subpackage, directly below the package, that a file belongs to."""
    return file.relative_to(PACKAGES[package]).with_suffix("").parts[0]


def order(package: str) -> list[str]:
    """Return the modules of a package from lowest to highest, as its docstring lists them."""
    docstring = ast.get_docstring(tree(PACKAGES[package] / "__init__.py")) or ""
    return re.findall(r"\w+", docstring.partition("direction of imports:")[2])


@pytest.mark.parametrize("package", PACKAGES)
def test_the_docstring_names_every_module_once(package: str) -> None:
    modules = {module(name, file) for name, file in ALL_FILES if name == package} - {"__init__", MAIN}
    assert sorted(order(package)) == sorted(modules)


@each_file
def test_imports_point_down(package: str, file: Path) -> None:
    """A module imports only itself and modules listed before it in the docstring; a package only packages before it."""
    known = ["__init__", *order(package), MAIN]
    used = {name.split(".")[1] for name in imports(file) if name.startswith(f"{package}.")} & set(known)
    assert [name for name in used if known.index(name) > known.index(module(package, file))] == []
    packages = list(PACKAGES)
    above = set(packages[packages.index(package) + 1 :]) | NOT_SHIPPED
    assert not {name.partition(".")[0] for name in imports(file)} & above


@pytest.mark.parametrize("root", PACKAGES.values(), ids=PACKAGES)
def test_no_folder_has_too_many_modules(root: Path) -> None:
    """A person can keep about a dozen names in view."""
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir() and path.name != "__pycache__")]:
        modules = [path.name for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
        modules = [name for name in modules if name not in ("__init__.py", f"{MAIN}.py")]
        if folder != CORE:  # its docstring lists all of them
            assert len(modules) <= MOST_MODULES, f"{folder}: {sorted(modules)}"


@each_core_file
def test_the_package_needs_no_training_library(file: Path) -> None:
    assert not {name.partition(".")[0] for name in imports(file)} & TRAINING_ONLY


@each_core_file
def test_only_api_imports_http_libraries(file: Path) -> None:
    if module("regulars", file) != "api":
        assert not {name.partition(".")[0] for name in imports(file)} & HTTP_ONLY


def test_no_module_imports_a_function() -> None:
    files = [*(file for _, file in ALL_FILES), *(ROOT / "functions").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    assert not [file for file in files if any(name.partition(".")[0] == "functions" for name in imports(file))]


OPENING_CALLS = {"settings", "connect", "open", "process_loader", "getenv", "Bundle", "read_text", "read_bytes"}


@each_core_file
def test_nothing_is_opened_at_import(file: Path) -> None:
    """Code outside functions does not read the environment, a file or a database."""
    statements = [node for node in tree(file).body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    calls = [node.func for statement in statements for node in _at_import(statement) if isinstance(node, ast.Call)]
    names = {func.id if isinstance(func, ast.Name) else getattr(func, "attr", "") for func in calls}
    assert not names & OPENING_CALLS


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run at import: a class body, but not its methods."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _at_import(child)


def test_the_package_imports_without_environment_or_training_libraries(tmp_path: Path) -> None:
    """Every module, from an empty folder; ONNX Runtime and boto3 are imported only when they are first needed."""
    names = ", ".join(f"regulars.{name}" for name in order("regulars"))
    lazy = sorted({*TRAINING_ONLY, "onnxruntime", "boto3"})
    program = f"import sys, {names}; print([name for name in {lazy} if name in sys.modules])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REGULARS_", "PYTHON"))}
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "path",
    [
        "layers/core/python/regulars/models/tasks/{}.py",
        "training/regulars_training/models/{}.py",
        "functions/{}/app.py",
        "functions/{}/event.json",
    ],
)
def test_a_task_has_its_file(task: str, path: str) -> None:
    assert (ROOT / path.format(task)).is_file(), f"{task} lacks {path.format(task)}"


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_has_its_function_stanza_and_path(route: str) -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert f"\n  {route.title()}Function:" in template, f"template.yaml lacks {route.title()}Function"
    assert f"\n          /v1/{route}:\n            post:" in template
    assert f"/v1/{route}" in create_app(route).openapi()["paths"]


@pytest.mark.parametrize("app", sorted((ROOT / "functions").glob("*/app.py")), ids=lambda app: app.parent.name)
def test_an_entry_has_no_logic(app: Path) -> None:
    """It has a docstring, imports and assignments, in fewer than 12 lines."""
    assert len(app.read_text(encoding="utf-8").splitlines()) < 12
    first, *rest = tree(app).body
    assert isinstance(first, ast.Expr)
    assert all(isinstance(node, ast.ImportFrom | ast.Import | ast.Assign) for node in rest)
    assert not [node for node in ast.walk(tree(app)) if isinstance(node, ast.If | ast.IfExp | ast.BoolOp)]
    last = rest[-1]
    assert isinstance(last, ast.Assign)
    assert [target.id for target in last.targets if isinstance(target, ast.Name)] == ["handler"]
