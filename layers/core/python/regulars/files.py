"""Writing so that a reader finds the old file or the new one, never half of either."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regulars.errors import SourceError


def _partial(path: Path) -> Path:
    """Name a hidden neighbour of `path` for this process, and sweep the ones that killed processes left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.partial-*"):
        if not Path(f"/proc/{left.name.rpartition('-')[2]}").exists():
            _remove(left)
    return path.parent / f".{path.name}.partial-{os.getpid()}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path to write; it becomes `path` when the block ends well, and nothing is left when it raises."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder; name a file to write")
    partial = _partial(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        _remove(partial)


@contextmanager
def atomic_folder(path: Path, marker: str) -> Iterator[Path]:
    """Yield an empty folder to fill; it becomes `path` when the block ends well.

    An existing `path` is replaced only when it holds the file `marker`, that is, when Regulars made it;
    SourceError otherwise, before anything is written.
    """
    if path.exists() and not (path.is_dir() and ((path / marker).exists() or not any(path.iterdir()))):
        raise SourceError(f"{path} exists and has no {marker}, so it is not ours to replace; name another folder")
    partial = _partial(path)
    try:
        partial.mkdir()
        yield partial
        _swap(partial, path)
    finally:
        _remove(partial)


def _swap(new: Path, path: Path) -> None:
    """Put `new` in the place of `path`: two renames, since no system call replaces a folder that has content."""
    old = new.with_name(new.name + ".old-" + str(os.getpid()))
    if path.exists():
        path.rename(old)
    new.rename(path)
    _remove(old)
