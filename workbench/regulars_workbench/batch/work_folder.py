"""The hidden folder beside OUT in which a run keeps what is finished: one run's at a time, and of one input only."""

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
    """Name the folder of what is finished of `out`."""
    return out.parent / f".{out.name}.batch"


@contextmanager
def exclusive_work_folder(out: Path, state: dict[str, Any]) -> Iterator[Path]:
    """Hold the folder of what is finished of `out`, emptied when it is of another `state`; yield it.

    It is gone after a block that ends well, and after an error of the input's, which the next run would meet again.
    What is left by anything else (Ctrl-C, a full disk, a kill) the same command goes on from. LakeError when another
    run has it.
    """
    work = work_folder(out)
    with _locked(work, out):
        if _state(work) != state:
            (work / STATE).unlink(missing_ok=True)  # first: what is half emptied is of no state
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
    """Lock the folder. Its last owner may remove it meanwhile: then it is made anew."""
    while True:
        work.mkdir(parents=True, exist_ok=True)
        try:
            held = (work / LOCK).open("w")
        except FileNotFoundError:
            continue
        with held:
            _lock(held, out)
            if os.fstat(held.fileno()).st_nlink:
                yield
                return


def _lock(held: IO[str], out: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise LakeError(f"another run is writing {out}; wait for it") from error


def _state(work: Path) -> Any:  # noqa: ANN401 - whatever JSON lies there
    """Read what the folder is of; None when nothing readable says it."""
    try:
        return json.loads((work / STATE).read_bytes())
    except (OSError, ValueError):
        return None


def _empty(work: Path) -> None:
    for left in work.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        elif left.name != LOCK:
            left.unlink()
