"""Atomic writes: a reader sees the old file or the new one, never a part."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regulars.errors import SourceError


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to. It replaces `path` when the block succeeds, and is removed when the block raises.

    SourceError when `path` exists and is not a regular file, or its folder cannot be made.
    """
    path = path.resolve()  # replace the target of a link, not the link
    if path.exists() and not path.is_file():
        raise SourceError(f"{path} is not a regular file; name a file to write")
    partial = _partial(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        _remove(partial)


@contextmanager
def atomic_folder(path: Path, marker: str) -> Iterator[Path]:
    """Yield an empty folder to fill. It replaces `path` when the block succeeds.

    SourceError as in `refuse_foreign`, before anything is written.
    """
    path = path.resolve()
    partial = _partial(path)
    with _locked(path.parent):
        refuse_foreign(path, marker)
    try:
        partial.mkdir()
        yield partial
        _swap(partial, path)
    finally:
        _remove(partial)


def refuse_foreign(path: Path, marker: str) -> None:
    """Raise SourceError when Regulars did not make `path`: it is not an empty folder and holds no `marker`."""
    if path.exists() and not (path.is_dir() and ((path / marker).exists() or not any(path.iterdir()))):
        raise SourceError(f"{path} exists and has no {marker}, so it is not ours to replace; name another folder")


def _partial(path: Path) -> Path:
    """Return a hidden path beside `path` for this process; first remove or restore what killed processes left."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"{path.parent} cannot be made: {error.strerror}; name another place to write to") from error
    for leftover in sorted(path.parent.glob(f".{_escaped(path.name)}.partial-*")):
        if _alive(leftover.name.rpartition("-")[2]):
            continue
        if ".old-" in leftover.name and not path.exists():
            leftover.rename(path)  # its process was killed between the two renames of `_swap`
        else:
            _remove(leftover)
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
    """Replace the folder `path` by `new`: two renames, since one cannot replace a folder that is not empty."""
    with _locked(path.parent):
        old = new.with_name(f"{new.name}.old-{os.getpid()}")
        if path.exists():
            path.rename(old)
        new.rename(path)
        _remove(old)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock `folder` against other processes; the lock ends with the process that holds it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
