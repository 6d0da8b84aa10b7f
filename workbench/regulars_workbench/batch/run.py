"""From a file, a folder or a lake to its scores: ingest, make features once, score shards on all cores, collect.

Finished work is kept in a hidden folder beside OUT until the end; after an interruption the same command continues
from it. OUT is written atomically: part.parquet, rejects.parquet, _manifest.json.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from regulars.data.atomic_files import atomic_folder
from regulars.data.lake import MARKER, read_info
from regulars.data.paths import parquet
from regulars.data.schema import FEATURED
from regulars.data.sql import connect, literal
from regulars.errors import RegularsError, SourceError
from regulars.ingest.faults import of_full_disk, writing
from regulars.ingest.mapping import CONTRACT, load
from regulars.ingest.report import IngestReport
from regulars.ingest.run import REPORT
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars_workbench.batch.checks import check_out, check_whole
from regulars_workbench.batch.resources import MOST_MEMORY, Resources, memory_for
from regulars_workbench.batch.shard import Job, Shard, score_shards
from regulars_workbench.batch.source import Source
from regulars_workbench.batch.work_folder import STATE, exclusive_work_folder, work_folder

ROW_GROUP = 40_960
"""Rows per row group of the score file: the unit that one core writes."""

RAW_PROGRESS = {"ingest": 0, "features": 30, "score": 46, "collect": 95}
LAKE_PROGRESS = {"features": 0, "score": 22, "collect": 92}
"""Percent of the work that is usually done when a stage begins, for raw files and for a lake."""

Advance = Callable[..., None]


class Run:
    """One run, new or continued after an interruption."""

    def __init__(self, source: Source, bundle: Path, out: Path, resources: Resources, advance: Advance) -> None:
        self.source, self.out, self.resources, self.advance = source, out.resolve(), resources, advance
        self.bundle = bundle
        self.loader = ModelLoader(Bundle(bundle))
        self.work = work_folder(self.out)
        self.owns_work_folder = False
        self.seconds: dict[str, float] = {}
        self.memory_limit = resources.memory_limit or memory_for(sum(file.stat().st_size for file in source.files))

    def __call__(self) -> dict[str, Any]:
        """Score the source into the OUT folder and return the manifest."""
        manifest = self.loader.bundle.manifest
        identity = {
            "as_of": f"{self.source.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "bundle": manifest.bundle,
            "csv": self.source.csv,
            "input": self.source.to_dict(),
        }
        check_out(self.source, self.bundle, self.out)
        before = self.source.state()
        options = {"at_once": self.resources.at_once, "reasons": self.resources.reasons}
        with (
            exclusive_work_folder(self.out, {**identity, **options, "state": before}),
            self._name_in_errors(),
            writing(self.out),
        ):
            self.owns_work_folder = True
            lake, report = self._lake()
            shards, rejected = self._features(lake)
            parts = self._score(shards)
            if self.source.state() != before:
                raise SourceError(f"{self.source.path} was changed while it was being read; run the same command again")
            with atomic_folder(self.out, MANIFEST) as folder, self._timed("collect"):
                counts = self._collect(folder, lake, report, parts, rejected)
                files = {file: folder / file for file in (PART, REJECTS, *((CSV,) if self.source.csv else ()))}
                content = {**counts.to_dict(), **identity, "outputs": outputs(files)}
                (folder / MANIFEST).write_bytes(as_json(content))
        return content

    @contextmanager
    def _name_in_errors(self) -> Iterator[None]:
        """Name the source in error messages instead of the hidden lake, which the user does not know."""
        try:
            yield
        except RegularsError as error:
            name = self.out if of_full_disk(error) else self.source.path
            error.args = (str(error).replace(str(self.work / "lake"), str(name)),)
            raise

    @property
    def has_finished(self) -> bool:
        """Whether the hidden folder has finished work that the same command continues from."""
        return self.owns_work_folder and any((self.work / name).exists() for name in ("lake", "features"))

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        self.advance(stage, self._progress(stage))
        begun = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - begun

    def _progress(self, stage: str) -> int:
        return (LAKE_PROGRESS if self.source.lake else RAW_PROGRESS)[stage]

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
            self.memory_limit = MOST_MEMORY  # a small file may have very many columns
            self._ingest(lake)

    def _features(self, lake: Path) -> tuple[list[Shard], dict[str, int]]:
        """Make all features once; return the shards, and the number of customers without features by reason."""
        done = self.work / "features"
        if not done.exists():
            new = self.work / "features.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            with self._timed("features"), closing(self._connect()) as connection:
                customers, rejected = write_lake_features(connection, lake, self.loader, self.source.as_of, new)
                starts = shard_starts(connection, new / FEATURES, self.resources.shard_size(customers))
            (new / STATE).write_text(json.dumps({"firsts": starts, "rejected": rejected}), encoding="utf-8")
            new.rename(done)
        state = json.loads((done / STATE).read_bytes())
        starts = state["firsts"]
        bounds = enumerate(zip(starts, [*starts[1:], None], strict=True))
        return [Shard(number, first, end) for number, (first, end) in bounds], state["rejected"]

    def _score(self, shards: Sequence[Shard]) -> list[Path]:
        """Score the shards that are not finished; return the files of all shards in order."""
        done = self.work / "done"
        done.mkdir(exist_ok=True)
        features = self.work / "features" / FEATURES
        jobs = [
            Job(shard, features, self.loader, self.source.as_of, self.resources.reasons, done / f"{shard.number}")
            for shard in shards
        ]
        missing = [job for job in jobs if not job.out.exists()]
        with self._timed("score"):
            for count, _ in enumerate(score_shards(missing, min(self.resources.threads, len(missing))), start=1):
                share = (len(jobs) - len(missing) + count) / len(jobs)
                begin, end = self._progress("score"), self._progress("collect")
                self.advance("score", round(begin + (end - begin) * share))
        return [job.out for job in jobs]

    def _collect(
        self, folder: Path, lake: Path, report: IngestReport | None, parts: Sequence[Path], rejected: dict[str, int]
    ) -> Counts:
        """Write the shards to one file in their order, and check the counts."""
        with closing(self._connect()) as connection:
            connection.execute("set preserve_insertion_order = true")
            _copy(connection, f"select * from {parquet(parts)}", folder / PART)
            connection.execute(
                f"create temp table unscored as select * from {parquet([self.work / 'features' / WITHOUT_FEATURES])}"
            )
            reject_rows = write_rejects(connection, None if self.source.lake else lake / "rejects", folder / REJECTS)
            if self.source.csv:
                write_csv(connection, folder)
            scored = rows_in(connection, folder / PART)
            counts = count_input(report, scored, rejected) if report else _count_lake(lake, scored, rejected)
            counts.check(scored, reject_rows)
        return counts


def _copy(connection: duckdb.DuckDBPyConnection, query: str, out: Path) -> None:
    connection.execute(f"copy ({query}) to {literal(str(out))} (format parquet, row_group_size {ROW_GROUP})")


def _count_lake(lake: Path, scored: int, rejected: Mapping[str, int]) -> Counts:
    rows = sum(info.rows for table, info in read_info(lake).tables.items() if table in FEATURED)
    others = sum(rejected.values())
    return Counts(rows, rows, 0, scored + others, scored, others, dict(sorted(rejected.items())))
