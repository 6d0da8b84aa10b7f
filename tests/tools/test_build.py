"""Layers: what is in them, and that two builds are the same bytes."""

import os
from pathlib import Path

import pytest

from tools.build import LEFT_OUT, archive, core, settle, trim
from tools.lock import CLOSURES, ENGINE, pins
from tools.template import function_layers
from tools.weigh import BUDGET, LIMIT, weigh


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_two_builds_are_one_zip(tmp_path: Path) -> None:
    """Whatever the order, the times and the rights in which the files came."""
    for name in ("first", "second"):
        core(tmp_path / name)
    digests = {archive(tmp_path / name, tmp_path / f"{name}.zip") for name in ("first", "second")}
    assert len(digests) == 1


def test_order_times_and_rights_leave_no_trace(tmp_path: Path) -> None:
    one = files(tmp_path / "one", "a.py", "b/c.py")
    two = files(tmp_path / "two", "b/c.py", "a.py")
    os.utime(two / "a.py", (1, 1))
    (two / "a.py").chmod(0o600)
    for folder in (one, two):
        settle(folder)
    assert archive(one, tmp_path / "one.zip") == archive(two, tmp_path / "two.zip")


def test_another_content_is_another_zip(tmp_path: Path) -> None:
    one, two = files(tmp_path / "one", "a.py"), files(tmp_path / "two", "a.py")
    (two / "a.py").write_text("other")
    for folder in (one, two):
        settle(folder)
    assert archive(one, tmp_path / "one.zip") != archive(two, tmp_path / "two.zip")


def test_trimming_keeps_licences_and_what_runs(tmp_path: Path) -> None:
    kept = ("numpy/core.py", "numpy-1.dist-info/METADATA", "numpy-1.dist-info/licenses/LICENSE", "numpy.libs/blas.so")
    dropped = ("numpy/tests/test_core.py", "numpy/core.pyi", "numpy-1.dist-info/RECORD", "bin/f2py", "numpy/f2py/x.py")
    trim(files(tmp_path, *kept, *dropped))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not any(pattern.startswith("*.libs") for pattern in LEFT_OUT)


def test_only_functions_with_trees_carry_the_engine() -> None:
    layers = function_layers()
    assert {name for name, has in layers.items() if "trees" in has} == {"batch", "churn", "clv", "profile", "recommend"}
    assert all(len(has) <= 5 for has in layers.values())


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
