"""The hidden folder beside OUT with a run's finished work: used by one run at a time, and for one input only."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from regulars.data.atomic_files import atomic_file
from regulars.errors import LakeError, RegularsError
from regulars.ingest.faults import of_full_disk

LOCK, STATE = "lock", "state.json"


def work_folder(out: Path) -> Path:
    """Return the work folder of `out`."""
    return out.parent / f".{out.name}.batch"


@contextmanager
def exclusive_work_folder(out: Path, state: dict[str, Any]) -> Iterator[Path]:
    """Lock and yield the work folder of `out`. Empty it first when its `state` differs.

    It is removed on success, and on an error of the input, which would occur again. After Ctrl-C, a full disk or a
    kill it stays, and the same command continues from it. LakeError when another run has locked it.
    """
    work = work_folder(out)
    with _locked(work, out):
        if _state(work) != state:
            (work / STATE).unlink(missing_ok=True)  # first: a half-emptied folder must have no state
            _empty(work)
            with atomic_file(work / STATE) as partial:
                partial.write_text(json.dumps(state), encoding="utf-8")
        try:
            yield work
        except RegularsError as error:
            if not of_full_disk(error):
                shutil.rmtree(work)
            raise
        shutil.rmtree(work)


@contextmanager
def _locked(work: Path, out: Path) -> Iterator[None]:
    """Lock the folder. If its last owner removes it at the same time, create it again."""
    while True:
        work.mkdir(parents=True, exist_ok=True)
        try:
            stream = (work / LOCK).open("w")
        except FileNotFoundError:
            continue
        with stream:
            _lock(stream, out)
            if os.fstat(stream.fileno()).st_nlink:
                yield
                return


def _lock(stream: IO[str], out: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise LakeError(f"another run is writing {out}; wait until it ends") from error


def _state(work: Path) -> Any:  # noqa: ANN401 - any JSON
    """Read the folder's state; None when there is no readable one."""
    try:
        return json.loads((work / STATE).read_bytes())
    except (OSError, ValueError):
        return None


def _empty(work: Path) -> None:
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
