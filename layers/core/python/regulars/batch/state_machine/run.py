"""A run of the state machine: what its plan said, its folder of work, and where its results go.

    work/<run>/plan.json                           what the run is of
    work/<run>/files.json, buckets.json, keys.json the maps' items
    work/<run>/staged/<table>/<file>.parquet       a raw file's rows that are good in themselves
    work/<run>/staged/<table>/<file>.json          what became of it
    work/<run>/keys/<table>/bucket=NN/             what must be unique, by the md5 of it
    work/<run>/settled.json                        what only all raw files together tell
    work/<run>/repeats/<table>/<file>/             a file's rows whose key an earlier row has
    work/<run>/compared/<table>/bucket=NN.json     how many there were
    work/<run>/bucket=NN/<table>/<file>.parquet    a bucket's rows of one file
    work/<run>/split/<table>/<file>.json           how many there were, and the file's repeats
    scores/<as_of>/<input-id>/<run>/               results, of a bucket in bucket=NN/, of raw files in rejects/

A run is named by what it is of, and each file of it by what it is of there, so every step may be taken again: what is
finished is found and left.
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
    """One file of an input: its number within its table, what reports and rejects call it, and the object."""

    number: int
    table: str
    name: str
    seen: ObjectVersion

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Self:
        """Read an item of files.json."""
        seen = ObjectVersion(S3Location(item["bucket"], item["key"]), item["etag"], item["version_id"], item["bytes"])
        return cls(item["number"], item["table"], item["name"], seen)

    def to_dict(self) -> dict[str, Any]:
        """Return the item."""
        return {"number": self.number, "table": self.table, "name": self.name, **self.seen.to_dict()}

    @property
    def path(self) -> str:
        """Name what is made of the file, in each of the folders of work."""
        return f"{self.table}/{self.number:06d}"


@dataclass(frozen=True)
class Run:
    """One run, as its plan says."""

    id: str
    work: Store
    plan: Mapping[str, Any]

    @classmethod
    def open(cls, run: str) -> Self:
        """Read the plan of a run; SourceError when there is none."""
        work = work_of(run)
        said = work.read_json(PLAN)
        if said is None:
            raise SourceError(f"no plan of run {run}; start the machine again")
        return cls(run, work, said)

    @property
    def result(self) -> Store:
        """The folder of the input's results, whichever run they are of."""
        return Store(self.work.s3, self.work.bucket, self.plan["prefix"])

    @property
    def parts(self) -> Store:
        """The folder of this run's results."""
        return Store(self.work.s3, self.work.bucket, f"{self.plan['prefix']}/{self.id}")

    @cached_property
    def request(self) -> RunRequest:
        """What is to be made."""
        return RunRequest.parse(self.plan["input"])

    @property
    def buckets(self) -> int:
        """How many there are."""
        return int(self.plan["buckets"])

    @property
    def as_of(self) -> datetime:
        """The moment to score at."""
        return parse_as_of(self.plan["wanted"]["as_of"])

    @property
    def is_raw(self) -> bool:
        """Say whether the files are the user's own, still to be read by a map."""
        return bool(self.plan["raw"])

    @cached_property
    def mapping(self) -> Map:
        """The map that raw files are read by."""
        return Map.model_validate(self.plan["map"])

    @cached_property
    def files(self) -> list[File]:
        """Every file, table by table."""
        return [File.from_dict(each) for each in self.read(FILES)]

    def read(self, name: str) -> Any:  # noqa: ANN401 - what a JSON file holds
        """Read a JSON file of an earlier step's; ChangedError when it is not there."""
        said = self.work.read_json(name)
        if said is None:
            raise _gone(self.work.key(name))
        return said

    def fetch(self, path: str, local: Path, clock: Clock) -> Path:
        """Fetch a file of the work's."""
        seen = find_object(self.work.s3, S3Location(self.work.bucket, self.work.key(path)))
        if seen is None:
            raise _gone(self.work.key(path))
        check_size(seen.location, seen.bytes, local.parent, MORE_BUCKETS)
        fetch(self.work.s3, seen, local, clock.check)
        return local

    def fetch_folder(self, below: str, folder: Path, clock: Clock) -> list[Path]:
        """Fetch everything below a folder of the work's, as it lies there; TooLargeError before, for all together."""
        folder.mkdir()
        found = self._below(below)
        check_size(f"{self.work}/{below}", sum(seen.bytes for _, seen in found), folder, MORE_BUCKETS)
        for inner, seen in found:
            fetch(self.work.s3, seen, folder / inner, clock.check)
        return [folder / inner for inner, _ in found]

    def _below(self, below: str) -> list[tuple[str, ObjectVersion]]:
        start = self.work.key(below)
        pages = self.work.s3.get_paginator("list_objects_v2").paginate(Bucket=self.work.bucket, Prefix=start)
        return [
            (
                each["Key"].removeprefix(start),
                ObjectVersion(S3Location(self.work.bucket, each["Key"]), each["ETag"].strip('"'), None, each["Size"]),
            )
            for page in pages
            for each in page.get("Contents", [])
        ]

    def next_input(self, **more: object) -> dict[str, Any]:
        """Return what the state machine goes on with."""
        listed = {"files": FILES, "buckets": BUCKETS, "keys": KEYS}
        places = {name: self.work.key(file) for name, file in listed.items()}
        kind = {"raw": self.is_raw, "make": self.request.make}
        return {"done": False, "run": self.id, "bucket": self.work.bucket, **kind, **places, **more}


def _gone(key: str) -> ChangedError:
    return ChangedError(f"{key} is not there; start the run again")


def work_of(run: str) -> Store:
    """Return a run's folder of work."""
    return Store(client("s3"), output_bucket(), f"work/{run}")
