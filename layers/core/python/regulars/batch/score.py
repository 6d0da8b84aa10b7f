"""One input from the notification to its manifest: fetched, scored, and put in the place of older results only."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from regulars.batch.batch_input import Parcel, gather
from regulars.batch.events import Named
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import check_content, check_size
from regulars.batch.resources.workspace import room, sweep
from regulars.batch.storage.source import ChangedError, client, fetch
from regulars.batch.storage.store import MANIFEST, SECONDS, Store, as_json, outputs
from regulars.batch.work import CSV, PART, REJECTS, score_files
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


def score_object(named: Named, loader: ModelLoader, clock: Clock) -> tuple[Store, dict[str, Any]]:
    """Score what `named` stands for, as it is now; return where the result lies and its manifest.

    When a result of just this input by just this bundle is there already, nothing is done. SourceError when the input
    is gone, unreadable or says no `as_of`, TooLargeError when it is more than one function takes, OverdueError when
    time runs out, SettingsError without an output bucket.
    """
    s3, bucket = client("s3"), output_bucket()
    sweep()
    for _ in range(ROUNDS):
        try:
            parcel = gather(s3, named)
            store = Store(s3, bucket, parcel.prefix)
            wanted = identity(parcel, loader)
            if store.holds(wanted):
                logger().info("already scored", extra={"result": str(store)})
                return store, store.read_json(MANIFEST)
            with room(named) as folder:
                return store, _scored(parcel, store, wanted, folder, loader, clock)
        except ChangedError as error:
            logger().info("scored anew", extra={"cause": str(error)})
            clock.check()
    raise ChangedError(f"{named} was replaced {ROUNDS} times while it was scored; put it there once more")


def identity(parcel: Parcel, loader: ModelLoader) -> dict[str, Any]:
    """Return what a manifest says that makes one result another: the input's version, the moment and the bundle."""
    moment = f"{parcel.as_of:%Y-%m-%dT%H:%M:%SZ}"
    return {"as_of": moment, "bundle": loader.bundle.manifest.bundle, "csv": parcel.csv, "input": parcel.said()}


def _scored(
    parcel: Parcel, store: Store, wanted: Mapping[str, Any], folder: Path, loader: ModelLoader, clock: Clock
) -> dict[str, Any]:
    results = folder / "out"
    results.mkdir()
    with closing(connect(settings().memory_limit, settings().threads, folder / "spill")) as connection:
        with clock.stage("fetch"):
            check_size(parcel.source.named, parcel.bytes, folder)
            tables = fetch_files(store.s3, parcel, folder, clock)
            mapping = fetch_map(store.s3, parcel, folder)
            check_content(connection, [file.path for files in tables.values() for file in files], clock.check)
        csv = parcel.csv
        counts = score_files(connection, tables, mapping, loader, parcel.as_of, results, clock=clock, csv=csv)
    files = {name: results / name for name in (PART, REJECTS, *((CSV,) if csv else ()))}
    manifest = {**counts.said(), **wanted, "outputs": outputs(files)}
    with clock.stage("write"):
        publish(store, files, manifest, parcel, clock)
    return manifest


def fetch_files(s3: Any, parcel: Parcel, folder: Path, clock: Clock) -> Files:  # noqa: ANN401 - a boto3 client
    """Fetch an input's files; return them by table."""
    found: dict[str, list[SourceFile]] = {}
    for number, (table, name, seen) in enumerate(parcel.named):
        local = folder / "in" / f"{number:06d}" / short(seen.named.name)
        fetch(s3, seen, local, clock.check)
        found.setdefault(table, []).append(SourceFile(local, name))
    return dict(found)


def short(name: str) -> str:
    """Return what a file is called here: as it was, unless no disk takes so long a name."""
    return name if len(name.encode()) <= LONGEST_NAME else name[-LONGEST_NAME // 4 :]


def fetch_map(s3: Any, parcel: Parcel, folder: Path) -> Map:  # noqa: ANN401 - a boto3 client
    """Fetch and read the map; without one the contract's names hold."""
    if parcel.map is None:
        return CONTRACT
    local = folder / "map" / short(parcel.map.named.name)
    fetch(s3, parcel.map, local)
    return load(local)


def publish(store: Store, files: Mapping[str, Path], manifest: Mapping[str, Any], parcel: Parcel, clock: Clock) -> None:
    """Write the files and then the manifest, unless the input has changed since: ChangedError."""
    for _ in range(ROUNDS):
        before = {name: store.look(name) for name in (PART, REJECTS, CSV, MANIFEST)}
        if gather(store.s3, parcel.source.named) != parcel:
            raise ChangedError(f"{parcel.source.named} was replaced while it was scored")
        try:
            for name, file in files.items():
                store.put(name, file, before[name])
            if CSV not in files and before[CSV]:
                store.remove(CSV)
            seconds = " ".join(f"{name}={value:.2f}" for name, value in clock.seconds.items())
            store.put(MANIFEST, as_json(manifest), before[MANIFEST], {SECONDS: seconds})
        except ChangedError:
            continue
        return
    raise ChangedError(f"{store} is being written by many at once")
