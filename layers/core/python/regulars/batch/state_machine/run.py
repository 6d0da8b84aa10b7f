"""A run of the state machine: its plan, its work folder, and its results.

    work/<run>/plan.json                           the input, its identity, the map, the number of buckets
    work/<run>/files.json, buckets.json, keys.json items of the state machine's maps
    work/<run>/staged/<table>/<file>.parquet       a raw file's valid rows
    work/<run>/staged/<table>/<file>.json          its counts, warnings and outputs
    work/<run>/keys/<table>/bucket=NN/             keys that must be unique, split by their md5
    work/<run>/settled.json                        results of the checks that need all raw files
    work/<run>/repeats/<table>/<file>/             a file's rows that repeat an earlier row's key
    work/<run>/compared/<table>/bucket=NN.json     the number of repeats in a bucket of keys
    work/<run>/bucket=NN/<table>/<file>.parquet    a bucket's rows of one file
    work/<run>/split/<table>/<file>.json           the number of rows split, and the file's repeats
    scores/<as_of>/<input-id>/<run>/               results: buckets in bucket=NN/, rejects of raw files in rejects/

The run's id is a hash of its input, so a step can be repeated: it keeps the files that are already finished.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from regulars.batch.events import S3Location
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import check_size
from regulars.batch.score import output_bucket
from regulars.batch.state_machine.request import RunRequest
from regulars.batch.storage.source import ChangedError, ObjectVersion, client, fetch, find_object
from regulars.batch.storage.store import Store
from regulars.errors import SourceError
from regulars.ingest.mapping import Mapping as Map
from regulars.instants import parse_as_of

PLAN, FILES, BUCKETS, KEYS, STAGED_SUMMARY = "plan.json", "files.json", "buckets.json", "keys.json", "settled.json"
MORE_BUCKETS = "start it with more --buckets, or raise the limit and give the function more memory and disk"


@dataclass(frozen=True)
class File:
    """One file of an input: its number within its table, its name in reports and rejects, and the S3 object."""

    number: int
    table: str
    name: str
    version: ObjectVersion

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Self:
        """Read an item of files.json."""
        version = ObjectVersion(
            S3Location(item["bucket"], item["key"]), item["etag"], item["version_id"], item["bytes"]
        )
        return cls(item["number"], item["table"], item["name"], version)

    def to_dict(self) -> dict[str, Any]:
        """Return the item of files.json."""
        return {"number": self.number, "table": self.table, "name": self.name, **self.version.to_dict()}

    @property
    def path(self) -> str:
        """The path of what is made from this file, below each folder of the work folder."""
        return f"{self.table}/{self.number:06d}"


@dataclass(frozen=True)
class Run:
    """One run and its plan."""

    id: str
    work: Store
    plan: Mapping[str, Any]

    @classmethod
    def open(cls, run: str) -> Self:
        """Read the plan of a run; SourceError when there is none."""
        work = work_of(run)
        plan = work.read_json(PLAN)
        if plan is None:
            raise SourceError(f"run {run} has no plan; start the state machine again")
        return cls(run, work, plan)

    @property
    def result(self) -> Store:
        """The folder of the input's results, shared by all of its runs."""
        return Store(self.work.s3, self.work.bucket, self.plan["prefix"])

    @property
    def parts(self) -> Store:
        """The folder of this run's results."""
        return Store(self.work.s3, self.work.bucket, f"{self.plan['prefix']}/{self.id}")

    @cached_property
    def request(self) -> RunRequest:
        """What the run makes."""
        return RunRequest.parse(self.plan["input"])

    @property
    def buckets(self) -> int:
        """The number of buckets."""
        return int(self.plan["buckets"])

    @property
    def as_of(self) -> datetime:
        """The instant to score at."""
        return parse_as_of(self.plan["wanted"]["as_of"])

    @property
    def is_raw(self) -> bool:
        """Whether the input is raw files, to be read by a map, not a lake."""
        return bool(self.plan["raw"])

    @cached_property
    def mapping(self) -> Map:
        """The map of raw files."""
        return Map.model_validate(self.plan["map"])

    @cached_property
    def files(self) -> list[File]:
        """All files, ordered by table."""
        return [File.from_dict(item) for item in self.read(FILES)]

    def read(self, name: str) -> Any:  # noqa: ANN401 - what a JSON file holds
        """Read an earlier step's JSON file; ChangedError when it does not exist."""
        content = self.work.read_json(name)
        if content is None:
            raise _missing(self.work.key(name))
        return content

    def fetch(self, path: str, local: Path, clock: Clock) -> Path:
        """Fetch a file of the work folder."""
        version = find_object(self.work.s3, S3Location(self.work.bucket, self.work.key(path)))
        if version is None:
            raise _missing(self.work.key(path))
        check_size(version.location, version.bytes, local.parent, MORE_BUCKETS)
        fetch(self.work.s3, version, local, clock.check)
        return local

    def fetch_folder(self, below: str, folder: Path, clock: Clock) -> list[Path]:
        """Fetch all files below a folder of the work folder. TooLargeError, before fetching, above the limits."""
        folder.mkdir()
        objects = self._list(below)
        check_size(f"{self.work}/{below}", sum(version.bytes for _, version in objects), folder, MORE_BUCKETS)
        for inner, version in objects:
            fetch(self.work.s3, version, folder / inner, clock.check)
        return [folder / inner for inner, _ in objects]

    def _list(self, below: str) -> list[tuple[str, ObjectVersion]]:
        start = self.work.key(below)
        pages = self.work.s3.get_paginator("list_objects_v2").paginate(Bucket=self.work.bucket, Prefix=start)
        return [
            (
                item["Key"].removeprefix(start),
                ObjectVersion(S3Location(self.work.bucket, item["Key"]), item["ETag"].strip('"'), None, item["Size"]),
            )
            for page in pages
            for item in page.get("Contents", [])
        ]

    def next_input(self, **more: object) -> dict[str, Any]:
        """Return the input of the state machine's next step."""
        names = {"files": FILES, "buckets": BUCKETS, "keys": KEYS}
        places = {name: self.work.key(file) for name, file in names.items()}
        kind = {"raw": self.is_raw, "make": self.request.make}
        return {"done": False, "run": self.id, "bucket": self.work.bucket, **kind, **places, **more}


def _missing(key: str) -> ChangedError:
    return ChangedError(f"{key} does not exist; start the run again")


def work_of(run: str) -> Store:
    """Return a run's work folder."""
    return Store(client("s3"), output_bucket(), f"work/{run}")
