"""A stretch of customers in a process of its own: it opens the bundle once, and ends when its parent has ended."""

import ctypes
import os
import signal
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from regulars.bundle import Bundle
from regulars.globs import parquet
from regulars.loader import ModelLoader
from regulars.scoring import score_features
from regulars.sql import connect, literal

PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

_LOADERS: dict[Path, ModelLoader] = {}


@dataclass(frozen=True)
class Stretch:
    """Customers from `first` on to before `end`, in the order of their ids; the last one has no end."""

    number: int
    first: str
    end: str | None


@dataclass(frozen=True)
class Job:
    """A stretch to score."""

    stretch: Stretch
    features: Path
    bundle: Path
    as_of: datetime
    out: Path


def start(parent: int) -> None:
    """Prepare a worker process: it is ended with its parent, without which it has nobody to work for.

    By Linux's own means: a thread that watches would keep DuckDB's module from being unloaded in peace. Elsewhere a
    worker without a parent finishes its stretch.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before
        os._exit(1)


def work(job: Job) -> int:
    """Score a stretch into its file, which appears whole or not at all; return the customers."""
    loader = _LOADERS.setdefault(job.bundle, ModelLoader(Bundle(job.bundle)))
    inside = f"customer_id >= {literal(job.stretch.first)}"
    if job.stretch.end is not None:
        inside += f" and customer_id < {literal(job.stretch.end)}"
    with closing(connect("500MB", 1)) as connection:
        connection.execute(f"create temp view stretch as select * from {parquet([job.features])} where {inside}")
        return score_features(connection, "stretch", loader, job.as_of, job.out)
