"""From a file, a folder or a lake to its scores: read, split by customer, scored by several processes, put together.

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
from math import ceil
from pathlib import Path
from typing import Any

import duckdb
from regulars.batch.balance import Counts
from regulars.batch.buckets import SPLIT, Engine, Part, complete, name, split, summed
from regulars.batch.score import local_name
from regulars.batch.store import MANIFEST, as_json, outputs
from regulars.batch.work import CSV, PART, REJECTS, counted, ingest_tables, rows_in, write_csv, write_rejects
from regulars.bundle import Bundle
from regulars.errors import HistoryError, LakeError, SourceError
from regulars.files import atomic_folder
from regulars.globs import parquet
from regulars.ingest.mapping import CONTRACT, load
from regulars.ingest.report import IngestReport
from regulars.ingest.run import REPORT
from regulars.lake import MARKER, read_info
from regulars.loader import ModelLoader
from regulars.sql import connect, literal

from training.batch.source import Source
from training.batch.worker import Job, finished, start, work

SMALL, BUCKET_SIZE = 20_000, 100_000
"""Customers up to which one bucket is best, and those of a bucket beyond."""

Advance = Callable[..., None]


@dataclass(frozen=True)
class Plan:
    """What to run on: 0 buckets are as many as the customers ask for."""

    processes: int
    buckets: int = 0
    memory_limit: str = "2GB"


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
        with self._claimed({**wanted, "state": self.source.state(), "buckets": self.plan.buckets}):
            lake, report = self._lake()
            buckets = self._split(lake)
            parts = self._score(buckets)
            with atomic_folder(self.out, MANIFEST) as folder, self._timed("collect"):
                found = self._collect(folder, lake, report, parts)
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

    def _split(self, lake: Path) -> dict[int, Path]:
        """Return each bucket's lake."""
        done = self.work / "split"
        info = read_info(lake).model_dump_json()
        if not done.exists():
            with self._timed("split"), closing(self._connect()) as connection:
                buckets = self.plan.buckets or self._buckets(connection, lake)
                if buckets == 1:
                    return {0: lake}
                new = self.work / "split.new"
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir()
                for table in SPLIT:
                    if files := sorted((lake / table).glob("**/*.parquet")):
                        split(connection, table, files, new, buckets, "part")
                for bucket in range(buckets):
                    (new / name(bucket)).mkdir(exist_ok=True)
                    complete(new / name(bucket), info)
                new.rename(done)
        return {int(each.name.partition("=")[2]): each for each in sorted(done.glob("bucket=*"))}

    def _buckets(self, connection: duckdb.DuckDBPyConnection, lake: Path) -> int:
        orders = parquet(sorted((lake / "orders").glob("**/*.parquet")))
        [(customers,)] = connection.execute(f"select approx_count_distinct(customer_id) from {orders}").fetchall()
        return 1 if customers <= SMALL else max(self.plan.processes, ceil(customers / BUCKET_SIZE))

    def _score(self, lakes: dict[int, Path]) -> list[Part]:
        done = self.work / "done"
        done.mkdir(exist_ok=True)
        processes = min(self.plan.processes, len(lakes))
        threads = max((os.cpu_count() or 1) // processes, 1)
        engine = Engine(_share(self.plan.memory_limit, processes), threads)
        found = [part for bucket in lakes if (part := finished(done, bucket))]
        missing = [bucket for bucket in lakes if bucket not in {part.bucket for part in found}]
        jobs = [Job(bucket, lakes[bucket], self.bundle, self.source.as_of, done, engine) for bucket in missing]
        with self._timed("score"):
            for part in self._worked(jobs, processes):
                found.append(part)
                self.advance("score", 100 * len(found) // len(lakes))
        return sorted(found, key=lambda part: part.bucket)

    def _worked(self, jobs: Sequence[Job], processes: int) -> Iterator[Part]:
        if processes == 1:
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
                "finished buckets (fewer --processes or a lower --memory-limit need less)"
            ) from error

    def _collect(self, folder: Path, lake: Path, report: IngestReport | None, parts: Sequence[Part]) -> Counts:
        """Put the buckets together, in the order of customer_id, and check that everything adds up."""
        scored, rejected = summed(parts)
        if not scored:
            raise HistoryError(f"nobody has an order before as_of {self.source.as_of:%Y-%m-%d}; choose a later one")
        done = [self.work / "done" / name(part.bucket) for part in parts]
        with closing(self._connect()) as connection:
            connection.execute("set preserve_insertion_order = true")
            pieces = parquet([each / PART for each in done if (each / PART).exists()])
            _copy(connection, f"select * from {pieces} order by customer_id", folder / PART)
            lines = self._rejects(connection, lake, done, folder / REJECTS)
            if self.source.csv:
                write_csv(connection, folder)
            counts = counted(report, scored, rejected) if report else _of_lake(lake, scored, rejected)
            counts.check(rows_in(connection, folder / PART), lines)
        return counts

    def _rejects(self, connection: duckdb.DuckDBPyConnection, lake: Path, done: Sequence[Path], out: Path) -> int:
        customers = parquet([each / REJECTS for each in done])
        connection.execute(
            "create or replace temp table unscored as select reason, json_extract_string(row, '$.customer_id') "
            f"as customer_id from {customers}"
        )
        return write_rejects(connection, None if self.source.lake else lake / "rejects", out)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, out: Path) -> None:
    connection.execute(f"copy ({query}) to {literal(str(out))} (format parquet)")


def _of_lake(lake: Path, scored: int, rejected: Mapping[str, int]) -> Counts:
    rows = sum(info.rows for table, info in read_info(lake).tables.items() if table in SPLIT)
    left = sum(rejected.values())
    return Counts(rows, rows, 0, scored + left, scored, left, dict(sorted(rejected.items())))


def _share(limit: str, processes: int) -> str:
    """Divide a memory limit such as 2GB among processes."""
    number, unit = limit.rstrip("KMGTiB% "), limit[len(limit.rstrip("KMGTiB% ")) :].strip()
    if unit == "%" or not number:
        raise SourceError(f"memory limit {limit!r}: write it like 2GB")
    megabytes = float(number) * {"K": 0.001, "M": 1, "G": 1000, "T": 1_000_000}[unit[0]]
    return f"{megabytes / processes:.0f}MB"
