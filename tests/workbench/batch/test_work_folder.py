"""Finished work after an interruption, and which command may continue from it."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.errors import LakeError, SourceError
from regulars_workbench.batch import shard
from regulars_workbench.batch.work_folder import exclusive_work_folder
from regulars_workbench.cli.scores.batch import batch as command
from tests.regulars.batch.shop import AS_OF, orders_sql
from tests.workbench.batch.local_batch import batch, rows


def test_an_interrupted_run_continues_from_its_finished_shards(
    lake: Path, bundle_folder: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = shard.score_shard
    scored: list[int] = []

    def interrupted(job: Any) -> Any:
        if len(scored) == 2:
            raise KeyboardInterrupt
        scored.append(job.shard.number)
        return original(job)

    monkeypatch.setattr(shard, "score_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        batch(lake, bundle_folder, tmp_path / "out", at_once=400)
    assert not (tmp_path / "out").exists()

    def recorded(job: Any) -> Any:
        scored.append(job.shard.number)
        return original(job)

    monkeypatch.setattr(shard, "score_shard", recorded)
    batch(lake, bundle_folder, tmp_path / "out", at_once=400)
    assert scored == [0, 1, 2, 3]
    assert rows(tmp_path / "out" / "part.parquet") == rows(alone)


def test_a_killed_run_continues(lake: Path, bundle_folder: Path, alone: Path, tmp_path: Path) -> None:
    """After kill -9 during scoring, the same command finishes the work."""
    out = tmp_path / "out"
    program = "from regulars_workbench.cli.app import main; main()"
    command = [sys.executable, "-c", program, "batch", lake, "--bundle", bundle_folder, "--out", out]
    command += ["--as-of", AS_OF, "--at-once", "250", "--threads", "2"]
    process = subprocess.Popen([*map(str, command)], cwd=tmp_path, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command
    done = tmp_path / ".out.batch" / "done"
    while process.poll() is None and not [*done.glob("[0-9]*")]:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    batch(lake, bundle_folder, out, at_once=250)
    assert rows(out / "part.parquet") == rows(alone)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.parquet", "out"]


def test_a_changed_input_is_read_again(bundle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    assert batch(file, bundle_folder, tmp_path / "out")["rows_read"] == 202
    file.write_text("\n".join(file.read_text().splitlines()[:51]) + "\n")
    assert batch(file, bundle_folder, tmp_path / "out")["rows_read"] == 50


def test_two_runs_cannot_write_one_folder(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    with exclusive_work_folder(tmp_path / "out", {}), pytest.raises(LakeError, match="another run is writing"):
        batch(lake, bundle_folder, tmp_path / "out")


def test_a_folder_removed_by_its_last_owner_is_created_again(
    lake: Path, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last owner removes the folder after this run has opened the lock file, before it locks it."""
    flock = fcntl.flock
    taken: list[Any] = []

    def late(stream: Any, operation: int) -> None:
        if not taken:
            shutil.rmtree(tmp_path / ".out.batch")
        taken.append(stream)
        flock(stream, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    batch(lake, bundle_folder, tmp_path / "out")
    assert sum(not isinstance(stream, int) for stream in taken) == 2  # numbers are other locks
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("state", [b"", b"{", b"[1]"])
def test_a_work_folder_without_a_readable_state_is_emptied(
    lake: Path, bundle_folder: Path, tmp_path: Path, state: bytes
) -> None:
    """A full disk can leave such a state; then no other file is trusted."""
    work = tmp_path / ".out.batch"
    (work / "features").mkdir(parents=True)
    (work / "state.json").write_bytes(state)
    batch(lake, bundle_folder, tmp_path / "out")
    assert not work.exists()


def test_an_input_that_changes_during_the_run_leaves_no_result(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when its size and date are the same."""
    file = tmp_path / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    original, stat = shard.score_shard, file.stat()

    def meanwhile(job: Any) -> int:
        file.write_bytes(file.read_bytes())
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return original(job)

    monkeypatch.setattr(shard, "score_shard", meanwhile)
    with pytest.raises(SourceError, match="was changed while it was being read; run the same command again"):
        batch(file, bundle_folder, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.csv"]


def test_ctrl_c_ends_soon_and_says_how_to_continue(
    lake: Path, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = []

    def slow(job: Any) -> int:
        scored.append(job.shard.number)
        if len(scored) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        return 0

    monkeypatch.setattr(shard, "score_shard", slow)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            command(str(lake), bundle=bundle_folder, out=tmp_path / "out", as_of=AS_OF, at_once=50, threads=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(scored) < 10
    assert f"Finished work is in {tmp_path}/.out.batch: the same command continues" in capsys.readouterr().err


def test_a_full_disk_keeps_what_is_finished(
    lake: Path, bundle_folder: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = shard.score_shard
    scored: list[int] = []

    def full(job: Any) -> int:
        if len(scored) == 2:
            raise duckdb.IOException("IO Error: could not write: No space left on device")
        scored.append(job.shard.number)
        return original(job)

    monkeypatch.setattr(shard, "score_shard", full)
    with pytest.raises(LakeError, match=rf"no space left on the disk of {tmp_path / 'out'}; free some"):
        batch(lake, bundle_folder, tmp_path / "out", at_once=400)
    assert len([*(tmp_path / ".out.batch" / "done").iterdir()]) == 2

    def recorded(job: Any) -> Any:
        scored.append(job.shard.number)
        return original(job)

    monkeypatch.setattr(shard, "score_shard", recorded)
    batch(lake, bundle_folder, tmp_path / "out", at_once=400)
    assert scored == [0, 1, 2, 3]
    assert rows(tmp_path / "out" / "part.parquet") == rows(alone)


def test_the_finished_work_of_another_run_is_not_mentioned(
    lake: Path, bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with exclusive_work_folder(tmp_path / "out", {}) as work:
        (work / "lake").mkdir()
        with pytest.raises(LakeError, match="another run is writing"):
            command(str(lake), bundle=bundle_folder, out=tmp_path / "out", as_of=AS_OF)
    assert capsys.readouterr().err == ""
