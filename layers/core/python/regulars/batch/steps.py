"""The state machine's steps: plan, split each file by customer, score each bucket, collect.

    work/<run>/plan.json                           what the run is of; files.json, buckets.json: the maps' items
    work/<run>/bucket=NN/<table>/<file>.parquet    a bucket's rows of one file
    scores/<as_of>/<input-id>/<run>/bucket=NN/     its scores and its customers without, then _result.json
    scores/<as_of>/<input-id>/_manifest.json       last: the counts, and the files that belong to the result

A run is named by what it is of, so each step may be taken again: what is finished is found and left.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from regulars.batch.balance import Counts
from regulars.batch.buckets import RESULT, Engine, Part, complete, name, score_bucket, split, summed
from regulars.batch.clock import Clock
from regulars.batch.events import Named
from regulars.batch.limits import check_size
from regulars.batch.plan import asked, plan, read_plan
from regulars.batch.room import room
from regulars.batch.score import identity, output_bucket
from regulars.batch.source import ChangedError, Seen, client, fetch
from regulars.batch.store import MANIFEST, Store, as_json, outputs
from regulars.batch.work import CSV, PART, REJECTS, write_csv
from regulars.errors import HistoryError
from regulars.features import parse_as_of
from regulars.loader import ModelLoader
from regulars.settings import settings
from regulars.sql import connect

Step = Callable[[dict[str, Any], ModelLoader, Clock], dict[str, Any]]


def split_file(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Split one file by customer into the buckets' folders."""
    item, run = event["item"], event["run"]
    work = Store(client("s3"), output_bucket(), f"work/{run}")
    buckets = read_plan(work)["buckets"]
    seen = Seen(Named(item["bucket"], item["key"]), item["etag"], item["version_id"], item["bytes"])
    with room() as folder, closing(connect(settings().memory_limit, 1, folder / "spill")) as opened:
        check_size(seen.named, seen.bytes, folder)
        local = folder / "in.parquet"
        with clock.stage("fetch"):
            fetch(work.s3, seen, local, clock.check)
        with clock.stage("split", opened):
            met = split(opened, item["table"], [local], folder / "out", buckets, f"{item['number']:06d}")
        with clock.stage("write"):
            for bucket in met:
                [file] = (folder / "out" / name(bucket) / item["table"]).glob("*.parquet")
                work.put_anyhow(f"{name(bucket)}/{item['table']}/{item['number']:06d}.parquet", file)
    return {"buckets": len(met)}


def score_part(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Score one bucket; one that is finished is left as it is."""
    run, bucket = event["run"], int(event["item"]["bucket"])
    work = Store(client("s3"), output_bucket(), f"work/{run}")
    said = read_plan(work)
    result = Store(work.s3, work.bucket, f"{said['prefix']}/{run}/{name(bucket)}")
    if result.look(RESULT) is None:
        with room() as folder:
            _score_part(bucket, said, work, result, folder, loader=loader, clock=clock)
    return {"bucket": bucket}


def _score_part(  # noqa: PLR0913 - all that one bucket needs
    bucket: int,
    said: Mapping[str, Any],
    work: Store,
    result: Store,
    folder: Path,
    *,
    loader: ModelLoader,
    clock: Clock,
) -> None:
    lake, out = folder / "lake", folder / "out"
    out.mkdir()
    lake.mkdir()
    with clock.stage("fetch"):
        for key, seen in _stored(work, f"{name(bucket)}/"):
            check_size(seen.named, seen.bytes, folder)
            fetch(work.s3, seen, lake / key, clock.check)
    complete(lake, json.dumps(said["info"]))
    engine = Engine(settings().memory_limit, settings().threads)
    moment = parse_as_of(said["wanted"]["as_of"])
    part = score_bucket(bucket, lake, loader, moment, out, engine=engine, clock=clock)
    names = [PART, REJECTS] if part.scored else [REJECTS]
    if part.scored and said["wanted"]["csv"]:
        with closing(connect(settings().memory_limit, 1, folder / "spill")) as connection:
            write_csv(connection, out)
        names.append(CSV)
    with clock.stage("write"):
        for each in names:
            result.put_anyhow(each, out / each)
        made = {f"{name(bucket)}/{each}": value for each, value in outputs({n: out / n for n in names}).items()}
        result.put_anyhow(RESULT, as_json({**part.said(), "outputs": made}))


def _stored(work: Store, below: str) -> list[tuple[str, Seen]]:
    """List what lies below a folder of the work's, by its place there."""
    pages = work.s3.get_paginator("list_objects_v2").paginate(Bucket=work.bucket, Prefix=work.key(below))
    found = [each for page in pages for each in page.get("Contents", [])]
    return [
        (
            each["Key"].removeprefix(work.key(below)),
            Seen(Named(work.bucket, each["Key"]), each["ETag"].strip('"'), None, each["Size"]),
        )
        for each in found
    ]


def collect(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Check that every bucket is there and adds up, and write the manifest, unless the input has changed since."""
    run = event["run"]
    work = Store(client("s3"), output_bucket(), f"work/{run}")
    said = read_plan(work)
    result = Store(work.s3, work.bucket, said["prefix"])
    before = {each: result.look(each) for each in (PART, REJECTS, CSV, MANIFEST)}
    parcel = asked(work.s3, said["input"])
    if identity(parcel, loader) != said["wanted"]:
        raise ChangedError(f"{parcel.source.named} or the bundle was replaced while it was scored; start it again")
    parts, made = _results(Store(work.s3, work.bucket, f"{said['prefix']}/{run}"), said["buckets"], clock)
    scored, rejected = summed(parts)
    if not scored:
        raise HistoryError(f"nobody has an order before as_of {said['wanted']['as_of']}; choose a later one")
    rows = Counts(**said["counts"])
    left = sum(rejected.values())
    counts = rows + Counts(0, 0, 0, scored + left, scored, left, dict(rejected))
    counts.check(scored, counts.rows_rejected + left)  # each bucket has compared its files' rows already
    files = {f"{run}/{each}": value for each, value in made.items()}
    if said["rejects"]:
        stored = result.look(f"{run}/{REJECTS}")
        files[f"{run}/{REJECTS}"] = {"sha256": stored.sha256 if stored else ""}
    manifest = {**counts.said(), **said["wanted"], "outputs": files}
    result.put(MANIFEST, as_json(manifest), before[MANIFEST])
    for each in (PART, REJECTS, CSV):
        if before[each]:  # of a version that one function could take
            result.remove(each)
    return {"result": str(result), "customers_scored": scored, "customers_rejected": left}


def _results(result: Store, buckets: int, clock: Clock) -> tuple[list[Part], dict[str, Any]]:
    parts: list[Part] = []
    made: dict[str, Any] = {}
    for bucket in range(buckets):
        clock.check()
        said = result.read_json(f"{name(bucket)}/{RESULT}")
        if said is None:
            raise ChangedError(f"{result}/{name(bucket)} is not finished; start the run again")
        made |= said.pop("outputs")
        parts.append(Part(**said))
    return parts, made


STEPS: dict[str, Step] = {"plan": plan, "split": split_file, "score": score_part, "collect": collect}
