"""One input from the notification to its manifest: fetched, scored, and put in the place of older results only."""

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
from regulars.ingest.run import Files
from regulars.ingest.sources import SourceFile
from regulars.models.loader import ModelLoader
from regulars.observability import logger
from regulars.settings import settings

ROUNDS = 5
"""How often an input that is replaced while it is scored is scored anew before that is told as an error."""

LONGEST_NAME = 120


def output_bucket() -> str:
    """Return the bucket that results go to; SettingsError when none is named."""
    bucket = settings().output_bucket
    if bucket is None:
        raise SettingsError("REGULARS_OUTPUT_BUCKET is not set; name the bucket that scores go to")
    return bucket


def score_object(location: S3Location, loader: ModelLoader, clock: Clock) -> tuple[Store, dict[str, Any]]:
    """Score what `location` stands for, as it is now; return where the result lies and its manifest.

    When a result of just this input by just this bundle is there already, nothing is done. SourceError when the input
    is gone, unreadable or says no `as_of`, TooLargeError when it is more than one function takes, OverdueError when
    time runs out, SettingsError without an output bucket.
    """
    s3, bucket = client("s3"), output_bucket()
    sweep()
    for _ in range(ROUNDS):
        try:
            batch_input = gather(s3, location)
            store = Store(s3, bucket, batch_input.prefix)
            wanted = identity(batch_input, loader)
            if store.has_result(wanted):
                logger().info("already scored", extra={"result": str(store)})
                return store, store.read_json(MANIFEST)
            with workspace(location) as folder:
                return store, _scored(batch_input, store, wanted, folder, loader, clock)
        except ChangedError as error:
            logger().info("scored anew", extra={"cause": str(error)})
            clock.check()
    raise ChangedError(f"{location} was replaced {ROUNDS} times while it was scored; put it there once more")


def identity(batch_input: BatchInput, loader: ModelLoader) -> dict[str, Any]:
    """Return what a manifest says that makes one result another: the input's version, the moment and the bundle."""
    moment = f"{batch_input.as_of:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "as_of": moment,
        "bundle": loader.bundle.manifest.bundle,
        "csv": batch_input.csv,
        "input": batch_input.to_dict(),
    }


def _scored(
    batch_input: BatchInput, store: Store, wanted: Mapping[str, Any], folder: Path, loader: ModelLoader, clock: Clock
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
    manifest = {**counts.to_dict(), **wanted, "outputs": outputs(files)}
    with clock.stage("write"):
        publish(store, files, manifest, batch_input, clock)
    return manifest


def fetch_files(s3: Any, batch_input: BatchInput, folder: Path, clock: Clock) -> Files:  # noqa: ANN401 - a boto3 client
    """Fetch an input's files; return them by table."""
    found: dict[str, list[SourceFile]] = {}
    for number, (table, name, seen) in enumerate(batch_input.named_files):
        local = folder / "in" / f"{number:06d}" / local_name(seen.location.name)
        fetch(s3, seen, local, clock.check)
        found.setdefault(table, []).append(SourceFile(local, name))
    return dict(found)


def local_name(name: str) -> str:
    """Return what a file is called here: as it was, unless no disk takes so long a name."""
    return name if len(name.encode()) <= LONGEST_NAME else name[-LONGEST_NAME // 4 :]


def fetch_map(s3: Any, batch_input: BatchInput, folder: Path) -> Map:  # noqa: ANN401 - a boto3 client
    """Fetch and read the map; without one the contract's names hold."""
    if batch_input.map is None:
        return CONTRACT
    local = folder / "map" / local_name(batch_input.map.location.name)
    fetch(s3, batch_input.map, local)
    return load(local)


def publish(
    store: Store, files: Mapping[str, Path], manifest: Mapping[str, Any], batch_input: BatchInput, clock: Clock
) -> None:
    """Write the files and then the manifest, unless the input has changed since: ChangedError."""
    for _ in range(ROUNDS):
        before = {name: store.find(name) for name in (PART, REJECTS, CSV, MANIFEST)}
        if gather(store.s3, batch_input.source.location) != batch_input:
            raise ChangedError(f"{batch_input.source.location} was replaced while it was scored")
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
    raise ChangedError(f"{store} is being written by many at once")
