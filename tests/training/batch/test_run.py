"""`regulars batch` on this machine: the single run's scores whatever the stretches, restartable, and accounted for."""

import json
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
from regulars import scoring
from regulars.batch.balance import BalanceError, Counts
from regulars.errors import HistoryError, LakeError, SourceError
from regulars.features import parse_as_of
from regulars.loader import ModelLoader

from tests.batch.shop import AS_OF, orders_sql
from tests.conftest import ROOT
from training.batch import claim
from training.batch import run as runs
from training.batch.claim import claimed
from training.batch.cli import batch as command
from training.batch.run import Plan, Run
from training.batch.source import open_source


def silent(*_: Any) -> None:
    """Show no progress."""


def batch(source: Path, bundle: Path, out: Path, *, at_once: int = 40_960, threads: int = 1, csv: bool = False) -> Any:
    opened = open_source(source, as_of=AS_OF, map_file=None, csv=csv)
    return Run(opened, bundle, out, Plan(threads, at_once=at_once), silent)()


def rows(file: Path) -> list[tuple[Any, ...]]:
    return duckdb.execute(f"select * from read_parquet('{file}') order by all").fetchall()


@pytest.fixture
def alone(lake: Path, loader: ModelLoader, tmp_path: Path) -> Path:
    """The lake's scores by `regulars score`."""
    with duckdb.connect() as connection:
        scoring.score(connection, lake, loader, parse_as_of(AS_OF), tmp_path / "alone.parquet")
    return tmp_path / "alone.parquet"


@pytest.mark.parametrize("at_once", [40_960, 300])
def test_a_lake_gets_the_scores_of_the_single_run(
    lake: Path, bundle_folder: Path, alone: Path, tmp_path: Path, at_once: int
) -> None:
    manifest = batch(lake, bundle_folder, tmp_path / "out", at_once=at_once, csv=True)
    assert rows(tmp_path / "out" / "part.parquet") == rows(alone)
    assert json.loads((tmp_path / "out" / "_manifest.json").read_bytes()) == manifest
    assert manifest["customers_scored"] == len(rows(alone))
    told = duckdb.execute(f"select churn_reasons from read_csv('{tmp_path / 'out' / 'part.csv'}')").fetchall()
    assert len(told) == len(rows(alone))
    assert {len(json.loads(text)) for (text,) in told} == {3}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["alone.parquet", "out"]


def test_the_number_of_threads_and_stretches_does_not_show(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    batch(lake, bundle_folder, tmp_path / "one")
    batch(lake, bundle_folder, tmp_path / "two", at_once=500, threads=2)
    for name in ("part.parquet", "rejects.parquet", "_manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_raw_files_are_accounted_for_by_row_and_customer(bundle_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    duckdb.execute(f"copy ({orders_sql()}) to '{folder / 'orders.csv'}' (format csv, header)")
    (folder / "customers.csv").write_text("customer_id\nC1\nnobody\n")
    manifest = batch(folder, bundle_folder, tmp_path / "out", at_once=15)
    assert (manifest["rows_read"], manifest["rows_kept"], manifest["rows_rejected"]) == (204, 203, 1)
    assert (manifest["customers_read"], manifest["customers_scored"], manifest["customers_rejected"]) == (42, 40, 2)
    assert manifest["rejected"] == {
        "customer has no order": 1,
        "customer has no order before as_of": 1,
        "ordered_at does not parse": 1,
    }
    assert len(rows(tmp_path / "out" / "rejects.parquet")) == 3


def test_a_manifest_names_what_is_scored_together(bundle_folder: Path, tmp_path: Path) -> None:
    duckdb.execute(f"copy ({orders_sql()}) to '{tmp_path / 'events of May.parquet'}' (format parquet)")
    (tmp_path / "who.csv").write_text("customer_id\nC1\nnobody\n")
    said = {"orders": "events of May.parquet", "customers": ["who.csv"], "as_of": AS_OF}
    (tmp_path / "night.manifest.json").write_text(json.dumps(said))
    opened = open_source(tmp_path / "night.manifest.json", as_of=None, map_file=None, csv=False)
    manifest = Run(opened, bundle_folder, tmp_path / "out", Plan(1), silent)()
    assert (manifest["rows_read"], manifest["customers_read"]) == (204, 42)


def test_an_interrupted_run_goes_on_from_its_finished_stretches(
    lake: Path, bundle_folder: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, taken = runs.work, []

    def interrupted(job: Any) -> Any:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(job.stretch.number)
        return work(job)

    monkeypatch.setattr(runs, "work", interrupted)
    with pytest.raises(KeyboardInterrupt):
        batch(lake, bundle_folder, tmp_path / "out", at_once=400)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(runs, "work", lambda job: taken.append(job.stretch.number) or work(job))
    batch(lake, bundle_folder, tmp_path / "out", at_once=400)
    assert taken == [0, 1, 2, 3]
    assert rows(tmp_path / "out" / "part.parquet") == rows(alone)


def test_a_run_that_was_killed_goes_on(lake: Path, bundle_folder: Path, alone: Path, tmp_path: Path) -> None:
    """Kill -9 while it scores: the same command finishes the work."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "training", "batch", lake, "--bundle", bundle_folder, "--out", out]
    command += ["--as-of", AS_OF, "--at-once", "250", "--threads", "2"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'layers' / 'core' / 'python'}:{ROOT}"}
    started = subprocess.Popen([*map(str, command)], env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command
    done = tmp_path / ".out.batch" / "done"
    while started.poll() is None and not [*done.glob("[0-9]*")]:
        time.sleep(0.01)
    started.send_signal(signal.SIGKILL)
    started.wait()
    batch(lake, bundle_folder, out, at_once=250)
    assert rows(out / "part.parquet") == rows(alone)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["alone.parquet", "out"]


def test_an_input_that_has_changed_is_read_anew(bundle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    assert batch(file, bundle_folder, tmp_path / "out")["rows_read"] == 202
    file.write_text("\n".join(file.read_text().splitlines()[:51]) + "\n")
    assert batch(file, bundle_folder, tmp_path / "out")["rows_read"] == 50


def test_what_cannot_be_scored_says_why(bundle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("customer_id,ordered_at,order_value\na,2030-01-01,1\n")
    with pytest.raises(HistoryError, match="no order before as_of"):
        batch(file, bundle_folder, tmp_path / "out")
    with pytest.raises(SourceError, match="give --as-of"):
        open_source(file, as_of=None, map_file=None, csv=False)
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "none.csv", as_of=AS_OF, map_file=None, csv=False)
    (tmp_path / "x.manifest.json").write_text('{"customers": "a"}')
    with pytest.raises(SourceError, match=r"x\.manifest\.json: orders: field required"):
        open_source(tmp_path / "x.manifest.json", as_of=AS_OF, map_file=None, csv=False)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({"orders": "a.csv"}, r"names a\.csv, which is not there"),
        ({"orders": ["o.csv", "./o.csv"]}, r"names o\.csv twice; name each file once"),
        ({"orders": "o.csv", "events": "o.csv"}, r"names o\.csv twice"),
        ({"orders": ["o.csv", "part-0000"]}, r"names part-0000, which is of an unsupported type; bring \.csv"),
        ({"orders": "."}, r"names \., which is of an unsupported type"),
        ({"orders": []}, "names no orders; name at least one file"),
        ({"orders": "o.csv", "more": 1}, "more: extra inputs are not permitted"),
    ],
)
def test_a_manifest_that_cannot_be_followed_says_why(tmp_path: Path, said: dict[str, Any], cause: str) -> None:
    (tmp_path / "o.csv").write_text("customer_id,ordered_at,order_value\na,2024-01-01,1\n", encoding="utf-8")
    (tmp_path / "part-0000").write_text("more", encoding="utf-8")
    (tmp_path / "x.manifest.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(SourceError, match=cause):
        open_source(tmp_path / "x.manifest.json", as_of=AS_OF, map_file=None, csv=False)


def test_whatever_a_manifests_files_are_called_all_are_read(bundle_folder: Path, tmp_path: Path) -> None:
    """Hidden ones, ones called like others with a number, or like another table, in several folders, and long ones."""
    names = ["_1.csv", ".2.csv", "orders-1-b.csv", "b.csv", "customers.csv", "x/b.csv", f"{'n' * 240}.csv"]
    (tmp_path / "x").mkdir()
    for number, name in enumerate(names):
        query = f"select * from ({orders_sql(60)}) limit 20 offset {20 * number}"
        duckdb.execute(f"copy ({query}) to '{tmp_path / name}' (format csv, header)")
    (tmp_path / "x" / "b.csv").write_text("customer_id,ordered_at,order_value\nC1,soon,1\n", encoding="utf-8")
    (tmp_path / "all.manifest.json").write_text(json.dumps({"orders": names, "as_of": AS_OF}), encoding="utf-8")
    opened = open_source(tmp_path / "all.manifest.json", as_of=None, map_file=None, csv=False)
    manifest = Run(opened, bundle_folder, tmp_path / "out", Plan(1), silent)()
    assert (manifest["rows_read"], manifest["rows_rejected"]) == (121, 1)
    rejected = (
        f"select source_file from read_parquet('{tmp_path / 'out' / 'rejects.parquet'}') where source_file is not null"
    )
    assert duckdb.execute(rejected).fetchall() == [("x/b.csv",)]


def test_two_runs_do_not_write_one_folder(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    with claimed(tmp_path / "out", {}), pytest.raises(LakeError, match="another run is writing"):
        batch(lake, bundle_folder, tmp_path / "out")


def test_a_folder_that_its_last_owner_removes_is_made_anew(
    lake: Path, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last owner lets go between the opening of the lock and its taking."""
    flock, taken = claim.fcntl.flock, []

    def late(held: Any, how: int) -> None:
        if not taken:
            shutil.rmtree(tmp_path / ".out.batch")
        taken.append(held)
        flock(held, how)

    monkeypatch.setattr(claim.fcntl, "flock", late)
    batch(lake, bundle_folder, tmp_path / "out")
    assert sum(not isinstance(held, int) for held in taken) == 2  # numbers are other locks
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("state", [b"", b"{", b"[1]"])
def test_what_nobody_can_read_is_of_no_run(lake: Path, bundle_folder: Path, tmp_path: Path, state: bytes) -> None:
    """As a full disk leaves it: nothing beside it is trusted."""
    work = tmp_path / ".out.batch"
    (work / "features").mkdir(parents=True)
    (work / "state.json").write_bytes(state)
    batch(lake, bundle_folder, tmp_path / "out")
    assert not work.exists()


def test_a_lake_that_lacks_files_is_refused(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "lake", ignore=shutil.ignore_patterns("events"))
    with pytest.raises(LakeError, match=r"events of .*lake holds 0 rows, but lake\.json says [\d,]+; copy"):
        batch(tmp_path / "lake", bundle_folder, tmp_path / "out")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lake"]


def test_an_out_that_cannot_be_is_refused_before_any_work(lake: Path, bundle_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "lake")
    with pytest.raises(SourceError, match=r"--out .* lies inside .*lake, which is read"):
        batch(tmp_path / "lake", bundle_folder, tmp_path / "lake" / "scores")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear", encoding="utf-8")
    with pytest.raises(SourceError, match="is not ours to replace"):
        batch(lake, bundle_folder, tmp_path / "mine")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lake", "mine"]


def test_an_input_that_changes_meanwhile_leaves_no_result(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when its size and date are as before."""
    file = tmp_path / "orders.csv"
    duckdb.execute(f"copy ({orders_sql()}) to '{file}' (format csv, header)")
    work, stat = runs.work, file.stat()

    def meanwhile(job: Any) -> int:
        file.write_bytes(file.read_bytes())
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return work(job)

    monkeypatch.setattr(runs, "work", meanwhile)
    with pytest.raises(SourceError, match="was changed while it was read; run the same command again"):
        batch(file, bundle_folder, tmp_path / "out")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["orders.csv"]


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv"))
    file.write_text("customer_id,ordered_at,order_value\na,2024-01-01,1\n", encoding="utf-8")
    for path in (file, tmp_path):
        with pytest.raises(SourceError, match=r"xff.csv' is no UTF-8; rename it"):
            open_source(path, as_of=AS_OF, map_file=None, csv=False)


def test_ctrl_c_leaves_soon_and_says_where_it_was(
    lake: Path, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = []

    def slow(job: Any) -> int:
        scored.append(job.stretch.number)
        if len(scored) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        return 0

    monkeypatch.setattr(runs, "work", slow)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            command(str(lake), bundle=bundle_folder, out=tmp_path / "out", as_of=AS_OF, at_once=50, threads=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(scored) < 10
    assert f"What is finished lies in {tmp_path}/.out.batch: the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["rows_kept", "customers_scored", "rows_rejected", "customers_read"])
def test_counts_that_do_not_add_up_are_refused(wrong: str) -> None:
    right = Counts(10, 8, 2, 5, 4, 1, {"a": 2, "b": 1})
    right.check(4, 3)
    with pytest.raises(BalanceError, match="do not add up"):
        Counts(**{**right.said(), wrong: 7}).check(4, 3)
    with pytest.raises(BalanceError, match=r"rows of part\.parquet"):
        right.check(3, 3)
