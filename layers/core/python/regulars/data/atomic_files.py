"""Writing so that a reader finds the old file or the new one, never half of either."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regulars.errors import SourceError


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path to write; it becomes `path` when the block ends well, and nothing is left when it raises.

    SourceError when `path` is something else than a file, or cannot be written.
    """
    path = path.resolve()  # what a link points to is replaced, not the link
    if path.exists() and not path.is_file():
        raise SourceError(f"{path} is no regular file; name a file to write")
    partial = _partial(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        _remove(partial)


@contextmanager
def atomic_folder(path: Path, marker: str) -> Iterator[Path]:
    """Yield an empty folder to fill; it becomes `path` when the block ends well.

    SourceError as `refuse_foreign`, before anything is written.
    """
    path = path.resolve()
    partial = _partial(path)
    with _turn(path.parent):
        refuse_foreign(path, marker)
    try:
        partial.mkdir()
        yield partial
        _swap(partial, path)
    finally:
        _remove(partial)


def refuse_foreign(path: Path, marker: str) -> None:
    """Raise SourceError when `path` exists and Regulars did not make it: it holds something, but not `marker`."""
    if path.exists() and not (path.is_dir() and ((path / marker).exists() or not any(path.iterdir()))):
        raise SourceError(f"{path} exists and has no {marker}, so it is not ours to replace; name another folder")


def _partial(path: Path) -> Path:
    """Name a hidden neighbour of `path` for this process, and settle what killed processes left beside it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"{path.parent} cannot be made: {error.strerror}; name another place to write to") from error
    for left in sorted(path.parent.glob(f".{_escaped(path.name)}.partial-*")):
        if _alive(left.name.rpartition("-")[2]):
            continue
        if ".old-" in left.name and not path.exists():
            left.rename(path)  # killed between its two renames: what was there before comes back
        else:
            _remove(left)
    return path.parent / f".{path.name}.partial-{os.getpid()}"


def _escaped(name: str) -> str:
    """Return a name as a glob pattern that matches only itself."""
    return "".join(f"[{letter}]" if letter in "[*?" else letter for letter in name)


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _swap(new: Path, path: Path) -> None:
    """Put `new` in the place of `path`: two renames, since none replaces a folder that has content."""
    with _turn(path.parent):
        old = new.with_name(f"{new.name}.old-{os.getpid()}")
        if path.exists():
            path.rename(old)
        new.rename(path)
        _remove(old)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Let one process at a time look at or swap what lies in `folder`; the lock goes with the process that holds it."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
