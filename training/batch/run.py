"""From a file, a folder or a lake to its scores: read, features made once, models by several processes, put together.

Beside OUT lies a hidden folder of what is finished so far; the same command goes on from there after an interruption,
and removes it at the end. OUT appears whole or not at all: part.parquet, rejects.parquet, _manifest.json.
"""

import fcntl
import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from regulars.batch.balance import Counts
from regulars.batch.buckets import SPLIT
from regulars.batch.rejects import write_rejects
from regulars.batch.score import local_name
from regulars.batch.store import MANIFEST, as_json, outputs
from regulars.batch.work import (
    CSV,
    FEATURES,
    OTHERS,
    PART,
    REJECTS,
    counted,
    features_of_lake,
    ingest_tables,
    rows_in,
    write_csv,
)
from regulars.bundle import Bundle
from regulars.errors import LakeError
from regulars.files import atomic_folder
from regulars.globs import parquet
from regulars.ingest.mapping import CONTRACT, load
from regulars.ingest.report import IngestReport
from regulars.ingest.run import REPORT
from regulars.lake import MARKER, read_info
from regulars.loader import ModelLoader
from regulars.sql import connect, literal

from training.batch.source import Source
from training.batch.worker import Job, Stretch, start, work

STRETCH = 40_960
"""Customers that a process scores at a time: memory stays small, and an interruption costs little."""

STATE = "state.json"

Advance = Callable[..., None]


@dataclass(frozen=True)
class Plan:
    """What to run on."""

    processes: int
    memory_limit: str = "1GB"
    at_once: int = STRETCH


class Run:
    """One run, or the rest of one that was interrupted."""

    def __init__(self, source: Source, bundle: Path, out: Path, plan: Plan, advance: Advance) -> None:
        self.source, self.out, self.plan, self.advance = source, out.resolve(), plan, advance
        self.bundle = bundle.resolve()
        self.loader = ModelLoader(Bundle(self.bundle))
        self.work = self.out.parent / f".{self.out.name}.batch"
        self.seconds: dict[str, float] = {}

    def __call__(self) -> dict[str, Any]:
        """Score the source into the out folder and return the manifest."""
        manifest = self.loader.bundle.manifest
        wanted = {
            "as_of": f"{self.source.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "bundle": manifest.bundle,
            "csv": self.source.csv,
            "input": self.source.said(),
        }
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with self._claimed({**wanted, "state": self.source.state(), "at_once": self.plan.at_once}):
            lake, report = self._lake()
            stretches, rejected = self._features(lake)
            parts = self._score(stretches)
            with atomic_folder(self.out, MANIFEST) as folder, self._timed("collect"):
                found = self._collect(folder, lake, report, parts, rejected)
                files = {each: folder / each for each in (PART, REJECTS, *((CSV,) if self.source.csv else ()))}
                content = {**found.said(), **wanted, "outputs": outputs(files)}
                (folder / MANIFEST).write_bytes(as_json(content))
        shutil.rmtree(self.work)
        return content

    @contextmanager
    def _claimed(self, state: dict[str, Any]) -> Iterator[None]:
        """Hold the folder of what is finished, emptied when it is of another input; LakeError when somebody has it."""
        self.work.mkdir(exist_ok=True)
        with (self.work / "lock").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise LakeError(f"another run is writing {self.out}; wait for it") from error
            file = self.work / "state.json"
            if not file.exists() or json.loads(file.read_bytes()) != state:
                for left in self.work.iterdir():
                    if left.is_dir():
                        shutil.rmtree(left)
                file.write_text(json.dumps(state), encoding="utf-8")
            yield

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        self.advance(stage, 0)
        begun = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - begun

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return connect(self.plan.memory_limit, os.cpu_count() or 1, self.work / "spill")

    def _lake(self) -> tuple[Path, IngestReport | None]:
        if self.source.lake:
            return self.source.lake, None
        lake = self.work / "lake"
        if not (lake / MARKER).exists():
            with self._timed("ingest"), closing(self._connect()) as connection:
                self._ingest(connection, lake)
        return lake, IngestReport.model_validate_json((lake / REPORT).read_bytes())

    def _ingest(self, connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
        mapping = load(self.source.map) if self.source.map else CONTRACT
        tables = self.source.tables if "" in self.source.tables else self._gathered()
        ingest_tables(connection, tables, lake, mapping, self.loader)

    def _gathered(self) -> dict[str, Sequence[Path]]:
        """Link the files into a folder a table, as the function lays them down."""
        linked: dict[str, Sequence[Path]] = {}
        for table, files in self.source.tables.items():
            folder = self.work / "in" / table
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            linked[table] = [folder / local_name(file.name, table, number) for number, file in enumerate(files)]
            for link, file in zip(linked[table], files, strict=True):
                link.symlink_to(file.resolve())
        return linked

    def _features(self, lake: Path) -> tuple[list[Stretch], dict[str, int]]:
        """Make everybody's features, once; return the stretches of customers to score, and who has none, by reason."""
        done = self.work / "features"
        if not done.exists():
            new = self.work / "features.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            with self._timed("features"), closing(self._connect()) as connection:
                firsts, rejected = features_of_lake(
                    connection, lake, self.loader, self.source.as_of, new, self.plan.at_once
                )
            (new / STATE).write_text(json.dumps({"firsts": firsts, "rejected": rejected}), encoding="utf-8")
            new.rename(done)
        said = json.loads((done / STATE).read_bytes())
        ends = [*said["firsts"][1:], None]
        named = enumerate(zip(said["firsts"], ends, strict=True))
        return [Stretch(number, first, end) for number, (first, end) in named], said["rejected"]

    def _score(self, stretches: Sequence[Stretch]) -> list[Path]:
        """Score all stretches, those that an earlier run has finished left as they are; return the files in order."""
        done = self.work / "done"
        done.mkdir(exist_ok=True)
        jobs = [
            Job(stretch, self.work / "features" / FEATURES, self.bundle, self.source.as_of, done / f"{stretch.number}")
            for stretch in stretches
        ]
        missing = [job for job in jobs if not job.out.exists()]
        with self._timed("score"):
            for count, _ in enumerate(self._worked(missing, min(self.plan.processes, len(missing))), start=1):
                self.advance("score", 100 * (len(jobs) - len(missing) + count) // len(jobs))
        return [job.out for job in jobs]

    def _worked(self, jobs: Sequence[Job], processes: int) -> Iterator[int]:
        if processes <= 1:
            yield from map(work, jobs)
            return
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(processes, context, start, (os.getpid(),)) as pool:
                for future in as_completed([pool.submit(work, job) for job in jobs]):
                    yield future.result()
        except BrokenProcessPool as error:
            raise LakeError(
                "a worker process was killed, perhaps for its memory; run the same command again, it goes on from the "
                "finished stretches (fewer --processes need less)"
            ) from error

    def _collect(
        self, folder: Path, lake: Path, report: IngestReport | None, parts: Sequence[Path], rejected: dict[str, int]
    ) -> Counts:
        """Put the stretches together, in their order, and check that everything adds up."""
        with closing(self._connect()) as connection:
            connection.execute("set preserve_insertion_order = true")
            _copy(connection, f"select * from {parquet(parts)}", folder / PART)
            connection.execute(
                f"create temp table unscored as select * from {parquet([self.work / 'features' / OTHERS])}"
            )
            lines = write_rejects(connection, None if self.source.lake else lake / "rejects", folder / REJECTS)
            if self.source.csv:
                write_csv(connection, folder)
            scored = rows_in(connection, folder / PART)
            counts = counted(report, scored, rejected) if report else _of_lake(lake, scored, rejected)
            counts.check(scored, lines)
        return counts


def _copy(connection: duckdb.DuckDBPyConnection, query: str, out: Path) -> None:
    connection.execute(f"copy ({query}) to {literal(str(out))} (format parquet)")


def _of_lake(lake: Path, scored: int, rejected: Mapping[str, int]) -> Counts:
    rows = sum(info.rows for table, info in read_info(lake).tables.items() if table in SPLIT)
    left = sum(rejected.values())
    return Counts(rows, rows, 0, scored + left, scored, left, dict(sorted(rejected.items())))
