"""From a file, a folder or a lake to its scores: read, features made once, models on all cores, put together.

Beside OUT lies a hidden folder of what is finished so far; the same command goes on from there after an interruption,
and removes it at the end. OUT appears whole or not at all: part.parquet, rejects.parquet, _manifest.json.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from regulars.batch.counts import Counts
from regulars.batch.pipeline import (
    CSV,
    FEATURES,
    PART,
    REJECTS,
    WITHOUT_FEATURES,
    count_input,
    ingest_tables,
    rows_in,
    shard_starts,
    write_csv,
    write_lake_features,
)
from regulars.batch.rejects import write_rejects
from regulars.batch.storage.store import MANIFEST, as_json, outputs
from regulars.data.atomic_files import atomic_folder, refuse_foreign
from regulars.data.lake import DAMAGED, MARKER, check_rows, read_info
from regulars.data.paths import parquet
from regulars.data.schema import FEATURED
from regulars.data.sql import connect, literal
from regulars.errors import LakeError, RegularsError, SourceError
from regulars.ingest.faults import of_full_disk, writing
from regulars.ingest.mapping import CONTRACT, load
from regulars.ingest.report import IngestReport
from regulars.ingest.run import REPORT
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars_workbench.batch.resources import MOST_MEMORY, Resources, memory_for
from regulars_workbench.batch.shard import Job, Shard, score_shard
from regulars_workbench.batch.source import Source
from regulars_workbench.batch.work_folder import STATE, exclusive_work_folder, work_folder

ROW_GROUP = 40_960
"""Rows of the score file that one core writes while another is at the next ones."""

OF_RAW = {"ingest": 0, "features": 30, "score": 46, "collect": 95}
OF_LAKE = {"features": 0, "score": 22, "collect": 92}

Advance = Callable[..., None]


class Run:
    """One run, or the rest of one that was interrupted."""

    def __init__(self, source: Source, bundle: Path, out: Path, resources: Resources, advance: Advance) -> None:
        self.source, self.out, self.resources, self.advance = source, out.resolve(), resources, advance
        self.bundle = bundle
        self.loader = ModelLoader(Bundle(bundle))
        self.work = work_folder(self.out)
        self.claimed = False
        self.seconds: dict[str, float] = {}
        self.memory_limit = resources.memory_limit or memory_for(sum(file.stat().st_size for file in source.files))

    def __call__(self) -> dict[str, Any]:
        """Score the source into the out folder and return the manifest."""
        manifest = self.loader.bundle.manifest
        wanted = {
            "as_of": f"{self.source.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "bundle": manifest.bundle,
            "csv": self.source.csv,
            "input": self.source.to_dict(),
        }
        self._check_out()
        before = self.source.state()
        asked = {"at_once": self.resources.at_once, "reasons": self.resources.reasons}
        with (
            exclusive_work_folder(self.out, {**wanted, **asked, "state": before}),
            self._called_by_name(),
            writing(self.out),
        ):
            self.claimed = True
            lake, report = self._lake()
            shards, rejected = self._features(lake)
            parts = self._score(shards)
            if self.source.state() != before:
                raise SourceError(f"{self.source.path} was changed while it was read; run the same command again")
            with atomic_folder(self.out, MANIFEST) as folder, self._timed("collect"):
                found = self._collect(folder, lake, report, parts, rejected)
                files = {each: folder / each for each in (PART, REJECTS, *((CSV,) if self.source.csv else ()))}
                content = {**found.to_dict(), **wanted, "outputs": outputs(files)}
                (folder / MANIFEST).write_bytes(as_json(content))
        return content

    def _check_out(self) -> None:
        """Refuse, before any work, a folder that is not ours to replace or that lies in what is read."""
        refuse_foreign(self.out, MANIFEST)
        source = self.source.path.resolve()
        if self.out.is_relative_to(source):
            raise SourceError(f"--out {self.out} lies inside {source}, which is read; name a folder elsewhere")
        needed = [self.source.path, *self.source.files, self.bundle, *filter(None, [self.source.map])]
        for each in needed:
            if each.resolve().is_relative_to(self.out):
                raise SourceError(f"{each} lies inside --out {self.out}, which is replaced; name a folder elsewhere")

    @contextmanager
    def _called_by_name(self) -> Iterator[None]:
        """Let no error speak of the hidden folder's lake, which nobody knows."""
        try:
            yield
        except RegularsError as error:
            name = self.out if of_full_disk(error) else self.source.path
            error.args = (str(error).replace(str(self.work / "lake"), str(name)),)
            raise

    @property
    def has_finished(self) -> bool:
        """Say whether something lies in the hidden folder that the same command goes on from."""
        return self.claimed and any((self.work / each).exists() for each in ("lake", "features"))

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        self.advance(stage, self._begins(stage))
        begun = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - begun

    def _begins(self, stage: str) -> int:
        """Return how many hundredths of the work lie before a stage, as they usually do."""
        return (OF_LAKE if self.source.lake else OF_RAW)[stage]

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return connect(self.memory_limit, self.resources.threads, self.work / "spill")

    def _lake(self) -> tuple[Path, IngestReport | None]:
        if self.source.lake:
            with closing(self._connect()) as connection:
                check_whole(connection, self.source.lake)
            return self.source.lake, None
        lake = self.work / "lake"
        if not (lake / MARKER).exists():
            with self._timed("ingest"):
                self._ingest(lake)
        return lake, IngestReport.model_validate_json((lake / REPORT).read_bytes())

    def _ingest(self, lake: Path) -> None:
        mapping = load(self.source.map) if self.source.map else CONTRACT
        try:
            with closing(self._connect()) as connection:
                ingest_tables(connection, self.source.tables, lake, mapping, self.loader)
        except duckdb.OutOfMemoryException:
            if self.resources.memory_limit or self.memory_limit == MOST_MEMORY:
                raise
            self.memory_limit = MOST_MEMORY  # a small file may have a great many columns
            self._ingest(lake)

    def _features(self, lake: Path) -> tuple[list[Shard], dict[str, int]]:
        """Make everybody's features, once; return the shards of customers to score, and who has none, by reason."""
        done = self.work / "features"
        if not done.exists():
            new = self.work / "features.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            with self._timed("features"), closing(self._connect()) as connection:
                customers, rejected = write_lake_features(connection, lake, self.loader, self.source.as_of, new)
                begin = shard_starts(connection, new / FEATURES, self.resources.shard_size(customers))
            (new / STATE).write_text(json.dumps({"firsts": begin, "rejected": rejected}), encoding="utf-8")
            new.rename(done)
        said = json.loads((done / STATE).read_bytes())
        ends = [*said["firsts"][1:], None]
        named = enumerate(zip(said["firsts"], ends, strict=True))
        return [Shard(number, first, end) for number, (first, end) in named], said["rejected"]

    def _score(self, shards: Sequence[Shard]) -> list[Path]:
        """Score all shards, those that an earlier run has finished left as they are; return the files in order."""
        done = self.work / "done"
        done.mkdir(exist_ok=True)
        features = self.work / "features" / FEATURES
        jobs = [
            Job(shard, features, self.loader, self.source.as_of, self.resources.reasons, done / f"{shard.number}")
            for shard in shards
        ]
        missing = [job for job in jobs if not job.out.exists()]
        with self._timed("score"):
            for count, _ in enumerate(self._worked(missing, min(self.resources.threads, len(missing))), start=1):
                share = (len(jobs) - len(missing) + count) / len(jobs)
                begin, end = self._begins("score"), self._begins("collect")
                self.advance("score", round(begin + (end - begin) * share))
        return [job.out for job in jobs]

    def _worked(self, jobs: Sequence[Job], threads: int) -> Iterator[int]:
        if threads <= 1:
            yield from map(score_shard, jobs)
            return
        pool = ThreadPoolExecutor(threads)
        try:
            for future in as_completed([pool.submit(score_shard, job) for job in jobs]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)  # after a failure or Ctrl-C only what is under way is finished

    def _collect(
        self, folder: Path, lake: Path, report: IngestReport | None, parts: Sequence[Path], rejected: dict[str, int]
    ) -> Counts:
        """Put the shards together, in their order, and check that everything adds up."""
        with closing(self._connect()) as connection:
            connection.execute("set preserve_insertion_order = true")
            _copy(connection, f"select * from {parquet(parts)}", folder / PART)
            connection.execute(
                f"create temp table unscored as select * from {parquet([self.work / 'features' / WITHOUT_FEATURES])}"
            )
            lines = write_rejects(connection, None if self.source.lake else lake / "rejects", folder / REJECTS)
            if self.source.csv:
                write_csv(connection, folder)
            scored = rows_in(connection, folder / PART)
            counts = count_input(report, scored, rejected) if report else _of_lake(lake, scored, rejected)
            counts.check(scored, lines)
        return counts


def _copy(connection: duckdb.DuckDBPyConnection, query: str, out: Path) -> None:
    connection.execute(f"copy ({query}) to {literal(str(out))} (format parquet, row_group_size {ROW_GROUP})")


def _of_lake(lake: Path, scored: int, rejected: Mapping[str, int]) -> Counts:
    rows = sum(info.rows for table, info in read_info(lake).tables.items() if table in FEATURED)
    left = sum(rejected.values())
    return Counts(rows, rows, 0, scored + left, scored, left, dict(sorted(rejected.items())))


def check_whole(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Raise LakeError when files are missing of those that a lake was made of, or some have come since."""
    info = read_info(lake)
    for table in FEATURED:
        files = sorted((lake / table).glob("**/*.parquet"))
        try:
            there = rows_in(connection, *files) if files else 0
        except DAMAGED as error:
            raise LakeError(f"{lake / table} has a file that is damaged or no Parquet file; ingest again") from error
        check_rows(table, there, info, lake)
