"""One bucket in a process of its own: it opens the bundle once, and ends when the process that started it has ended."""

import ctypes
import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from regulars.batch.buckets import RESULT, Engine, Part, name, score_bucket
from regulars.batch.clock import Clock
from regulars.bundle import Bundle
from regulars.files import atomic_folder
from regulars.loader import ModelLoader

PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

_LOADERS: dict[Path, ModelLoader] = {}


@dataclass(frozen=True)
class Job:
    """A bucket to score."""

    bucket: int
    lake: Path
    bundle: Path
    as_of: datetime
    out: Path
    engine: Engine


def start(parent: int) -> None:
    """Prepare a worker process: it is ended with its parent, without which it has nobody to work for.

    By Linux's own means: a thread that watches would keep DuckDB's module from being unloaded in peace. Elsewhere a
    worker without a parent finishes its bucket.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before
        os._exit(1)


def finished(out: Path, bucket: int) -> Part | None:
    """Return what an earlier run has made of a bucket; None when it has not finished it."""
    file = out / name(bucket) / RESULT
    return Part(**json.loads(file.read_bytes())) if file.exists() else None


def work(job: Job) -> Part:
    """Score a bucket into its folder, which appears whole or not at all."""
    loader = _LOADERS.setdefault(job.bundle, ModelLoader(Bundle(job.bundle)))
    with atomic_folder(job.out / name(job.bucket), RESULT) as folder:
        part = score_bucket(job.bucket, job.lake, loader, job.as_of, folder, engine=job.engine, clock=Clock())
        (folder / RESULT).write_text(json.dumps(part.said()), encoding="utf-8")
    return part
