"""Atomic files and folders: written whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regulars.data.atomic_files import atomic_file, atomic_folder
from regulars.errors import SourceError

NO_PROCESS = 2**22 + 1
"""Above Linux's largest process id."""

MARKER = "ours.json"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_after(file: Path) -> None:
    file.touch()
    raise ZeroDivisionError


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out.txt"
    with atomic_file(out) as partial:
        partial.write_text("new")
        assert not out.exists()
    assert out.read_text() == "new"
    assert names(out.parent) == ["out.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    out.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_file(out) as partial:
        fail_after(partial)
    assert out.read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


def test_a_file_never_replaces_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a regular file"), atomic_file(tmp_path):
        pass


def test_a_folder_with_the_marker_is_replaced_whole(tmp_path: Path) -> None:
    """Files of the old folder that the new one lacks are gone."""
    out = tmp_path / "lake"
    for content in ("a", "b"):
        with atomic_folder(out, MARKER) as partial:
            (partial / MARKER).touch()
            (partial / content).touch()
    assert names(out) == ["b", MARKER]
    assert names(tmp_path) == ["lake"]


def test_a_failure_leaves_the_old_folder(tmp_path: Path) -> None:
    out = tmp_path / "lake"
    with atomic_folder(out, MARKER) as partial:
        (partial / MARKER).touch()
    with pytest.raises(ZeroDivisionError), atomic_folder(out, MARKER) as partial:
        fail_after(partial / "half")
    assert names(out) == [MARKER]
    assert names(tmp_path) == ["lake"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_folder_without_the_marker_is_refused_before_anything_is_written(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "photos"
    if kind == "folder":
        out.mkdir()
        (out / "precious").touch()
    else:
        out.touch()
    with pytest.raises(SourceError, match=MARKER), atomic_folder(out, MARKER):
        pytest.fail("the block must not run")
    assert names(tmp_path) == ["photos"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty", MARKER) as partial:
        (partial / MARKER).touch()
    assert names(tmp_path / "empty") == [MARKER]


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    """Those of a running process stay."""
    dead, alive = NO_PROCESS, os.getppid()
    for process in (dead, alive):
        (tmp_path / f".out.partial-{process}").touch()
    with atomic_file(tmp_path / "out") as partial:
        partial.touch()
    assert names(tmp_path) == [f".out.partial-{alive}", "out"]


def test_a_pipe_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="not a regular file"), atomic_file(pipe):
        pass
    assert pipe.is_fifo()


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with atomic_file(link) as partial:
        partial.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_folder_lost_between_two_renames_comes_back(tmp_path: Path) -> None:
    """A process killed there leaves the old folder under another name; the next run restores it, even if that fails."""
    out = tmp_path / "lake"
    leftover = tmp_path / f".lake.partial-{NO_PROCESS}.old-{NO_PROCESS}"
    leftover.mkdir()
    (leftover / "lake.json").write_text("old")

    def fail() -> None:
        with atomic_folder(out, "lake.json"):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (out / "lake.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_a_parent_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be made"), atomic_file(tmp_path / "file" / "out"):
        pass


def test_writers_of_one_folder_take_turns(tmp_path: Path) -> None:
    """The last writer wins, none fails, and nothing else is left."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom regulars.data.atomic_files import atomic_folder\n"
        "for turn in range(40):\n"
        "    with atomic_folder(Path(sys.argv[1]), 'mark') as folder:\n"
        "        (folder / 'mark').write_text(sys.argv[2])\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "out")]
    writers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE) for name in "abc"]  # noqa: S603 - our own command
    errors = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], errors
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "mark").read_text() in "abc"
