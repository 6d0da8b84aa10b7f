"""Score one input: find its files, fetch, score, and publish unless the input has changed."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from regulars.batch.batch_input import BatchInput, gather
from regulars.batch.events import S3Location
from regulars.batch.pipeline import CSV, PART, REJECTS, score_files
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import check_content, check_size
from regulars.batch.resources.workspace import sweep, workspace
from regulars.batch.storage.source import ChangedError, client, fetch
from regulars.batch.storage.store import MANIFEST, SECONDS, Store, as_json, outputs
from regulars.data.sql import connect
from regulars.errors import SettingsError
from regulars.ingest.mapping import CONTRACT, load
from regulars.ingest.mapping import Mapping as Map
from regulars.ingest.reading.sources import SourceFile
from regulars.ingest.run import Files
from regulars.models.loader import ModelLoader
from regulars.observability import logger
from regulars.settings import settings

ROUNDS = 5
"""Attempts for an input that is replaced while it is being scored."""

LONGEST_NAME = 120


def output_bucket() -> str:
    """Return the output bucket; SettingsError when it is not set."""
    bucket = settings().output_bucket
    if bucket is None:
        raise SettingsError("REGULARS_OUTPUT_BUCKET is not set; set it to the bucket for scores")
    return bucket


def score_object(location: S3Location, loader: ModelLoader, clock: Clock) -> tuple[Store, dict[str, Any]]:
    """Score the current version of the input at `location`; return the result's folder and manifest.

    Does nothing when a result of this input version by this bundle exists. SourceError when the input is missing,
    unreadable or has no `as_of`, TooLargeError when it exceeds the limits of one function, OverdueError when time runs
    out, SettingsError without an output bucket.
    """
    s3, bucket = client("s3"), output_bucket()
    sweep()
    for _ in range(ROUNDS):
        try:
            batch_input = gather(s3, location)
            store = Store(s3, bucket, batch_input.prefix)
            expected = identity(batch_input, loader)
            if store.has_result(expected):
                logger().info("already scored", extra={"result": str(store)})
                return store, store.read_json(MANIFEST)
            with workspace(location) as folder:
                return store, _score(batch_input, store, expected, folder, loader, clock)
        except ChangedError as error:
            logger().info("input changed, scoring again", extra={"cause": str(error)})
            clock.check()
    raise ChangedError(f"{location} was replaced {ROUNDS} times while it was being scored; upload it once more")


def identity(batch_input: BatchInput, loader: ModelLoader) -> dict[str, Any]:
    """Return the manifest entries that identify a result: input version, as_of, bundle and format."""
    moment = f"{batch_input.as_of:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "as_of": moment,
        "bundle": loader.bundle.manifest.bundle,
        "csv": batch_input.csv,
        "input": batch_input.to_dict(),
    }


def _score(
    batch_input: BatchInput, store: Store, identity: Mapping[str, Any], folder: Path, loader: ModelLoader, clock: Clock
) -> dict[str, Any]:
    results = folder / "out"
    results.mkdir()
    with closing(connect(settings().memory_limit, settings().threads, folder / "spill")) as connection:
        with clock.stage("fetch"):
            check_size(batch_input.source.location, batch_input.bytes, folder)
            tables = fetch_files(store.s3, batch_input, folder, clock)
            mapping = fetch_map(store.s3, batch_input, folder)
            check_content(connection, [file.path for files in tables.values() for file in files], clock.check)
        csv = batch_input.csv
        counts = score_files(connection, tables, mapping, loader, batch_input.as_of, results, clock=clock, csv=csv)
    files = {name: results / name for name in (PART, REJECTS, *((CSV,) if csv else ()))}
    manifest = {**counts.to_dict(), **identity, "outputs": outputs(files)}
    with clock.stage("write"):
        publish(store, files, manifest, batch_input, clock)
    return manifest


def fetch_files(s3: Any, batch_input: BatchInput, folder: Path, clock: Clock) -> Files:  # noqa: ANN401 - a boto3 client
    """Fetch an input's files; return them by table."""
    tables: dict[str, list[SourceFile]] = {}
    for number, (table, name, version) in enumerate(batch_input.named_files):
        local = folder / "in" / f"{number:06d}" / local_name(version.location.name)
        fetch(s3, version, local, clock.check)
        tables.setdefault(table, []).append(SourceFile(local, name))
    return dict(tables)


def local_name(name: str) -> str:
    """Return a file's local name: its own, shortened when it is too long for a file system."""
    return name if len(name.encode()) <= LONGEST_NAME else name[-LONGEST_NAME // 4 :]


def fetch_map(s3: Any, batch_input: BatchInput, folder: Path) -> Map:  # noqa: ANN401 - a boto3 client
    """Fetch and read the map; without one, columns have the contract's names."""
    if batch_input.map is None:
        return CONTRACT
    local = folder / "map" / local_name(batch_input.map.location.name)
    fetch(s3, batch_input.map, local)
    return load(local)


def publish(
    store: Store, files: Mapping[str, Path], manifest: Mapping[str, Any], batch_input: BatchInput, clock: Clock
) -> None:
    """Write the files, then the manifest, as `storage.store` describes; ChangedError when the input has changed."""
    for _ in range(ROUNDS):
        before = {name: store.find(name) for name in (PART, REJECTS, CSV, MANIFEST)}
        if gather(store.s3, batch_input.source.location) != batch_input:
            raise ChangedError(f"{batch_input.source.location} was replaced while it was being scored")
        try:
            for name, file in files.items():
                store.put_if_unchanged(name, file, before[name])
            if CSV not in files and before[CSV]:
                store.remove(CSV)
            seconds = " ".join(f"{name}={value:.2f}" for name, value in clock.seconds.items())
            store.put_if_unchanged(MANIFEST, as_json(manifest), before[MANIFEST], {SECONDS: seconds})
        except ChangedError:
            continue
        return
    raise ChangedError(f"{store} was replaced by other writers {ROUNDS} times; try again later")
