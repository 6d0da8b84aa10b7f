"""Layers: their content, and that two builds are the same bytes."""

import os
from pathlib import Path

import pytest

from tools.build import LEFT_OUT, build_core, normalise, trim
from tools.lock import CLOSURES, ENGINE, pins
from tools.template import function_layers
from tools.weigh import BUDGET, LIMIT, archive, weigh


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_two_builds_give_the_same_zip(tmp_path: Path) -> None:
    """The order, times and permissions of the source files do not matter."""
    for name in ("first", "second"):
        build_core(tmp_path / name)
    digests = {archive(tmp_path / name, tmp_path / f"{name}.zip") for name in ("first", "second")}
    assert len(digests) == 1


def test_order_times_and_permissions_do_not_change_the_zip(tmp_path: Path) -> None:
    first = files(tmp_path / "first", "a.py", "b/c.py")
    second = files(tmp_path / "second", "b/c.py", "a.py")
    os.utime(second / "a.py", (1, 1))
    (second / "a.py").chmod(0o600)
    for folder in (first, second):
        normalise(folder)
    assert archive(first, tmp_path / "first.zip") == archive(second, tmp_path / "second.zip")


def test_other_content_gives_another_zip(tmp_path: Path) -> None:
    first, second = files(tmp_path / "first", "a.py"), files(tmp_path / "second", "a.py")
    (second / "a.py").write_text("other")
    for folder in (first, second):
        normalise(folder)
    assert archive(first, tmp_path / "first.zip") != archive(second, tmp_path / "second.zip")


def test_trimming_keeps_licences_and_libraries(tmp_path: Path) -> None:
    kept = ("numpy/core.py", "numpy-1.dist-info/METADATA", "numpy-1.dist-info/licenses/LICENSE", "numpy.libs/blas.so")
    dropped = ("numpy/tests/test_core.py", "numpy/core.pyi", "numpy-1.dist-info/RECORD", "bin/f2py", "numpy/f2py/x.py")
    trim(files(tmp_path, *kept, *dropped))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not any(pattern.startswith("*.libs") for pattern in LEFT_OUT)


def test_only_functions_with_trees_have_the_engine() -> None:
    layers = function_layers()
    assert {name for name, used in layers.items() if "trees" in used} == {
        "batch",
        "churn",
        "clv",
        "profile",
        "recommend",
    }
    assert all(len(used) <= 5 for used in layers.values())


def test_no_wheel_is_in_two_layers() -> None:
    lists = [set(pins(path)) for path in CLOSURES]
    assert ENGINE not in lists[0]
    assert ENGINE in lists[1]
    assert not lists[0] & lists[1]


def test_the_budget_leaves_a_tenth_free(tmp_path: Path) -> None:
    assert BUDGET == LIMIT - LIMIT / 10
    assert weigh(files(tmp_path, "a", "b/cc")) == len("a") + len("b/cc")


@pytest.mark.parametrize("path", CLOSURES, ids=lambda path: path.parent.name)
def test_every_requirement_is_pinned(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines
    assert all("==" in line for line in lines)
