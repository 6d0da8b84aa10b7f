"""The state machine's steps for features instead of scores, with cut points learnt from all buckets.

work/<run>/base/bucket=NN/<relation>.parquet     relations that features are made from, and labels on request
work/<run>/histograms/bucket=NN.parquet          the relation rfm_histogram
work/<run>/cut_points.json                       learnt from all histograms
features/<as_of>/<input-id>/<run>/bucket=NN/     features.parquet, rejects.parquet
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from regulars.batch.pipeline import FEATURES, REJECTS
from regulars.batch.rejects import unscored, write_rejects
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.workspace import database
from regulars.batch.state_machine.buckets import RESULT, Bucket, BucketResult, name
from regulars.batch.state_machine.run import Run
from regulars.batch.state_machine.steps.bucket_lake import fetch_bucket
from regulars.batch.storage.store import as_json, outputs
from regulars.data.lake import attach
from regulars.data.paths import parquet
from regulars.data.sql import SqlFolder, literal
from regulars.errors import HistoryError
from regulars.features.cut_points import HISTOGRAM, CutPoints, cut_points_of_histogram
from regulars.features.relations import (
    INTERMEDIATE,
    LABELS,
    make_from_intermediate,
    make_intermediate,
    make_labels,
    write_features,
)
from regulars.models.loader import ModelLoader

CUT_POINTS = "cut_points.json"
LABELLED = f"""(
    select customer_features.*, {LABELS}.* exclude (customer_id)
    from customer_features
    join {LABELS} using (customer_id)
)"""


def base(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Make one bucket's relations that need no cut points, and its histogram for learning the cut points."""
    run, number = Run.open(event["run"]), int(event["item"]["bucket"])
    done = f"base/{name(number)}.json"
    if run.work.find(done) is None:
        with database() as (folder, connection):
            sql, out = loader.bundle.sql, folder / "out"
            out.mkdir()
            bucket = fetch_bucket(connection, run, number, folder, sql, clock)
            with clock.stage("base", connection):
                result = _base(connection, run, bucket, sql, out)
            with clock.stage("write"):
                rejects = f"{name(number)}/{REJECTS}"
                run.parts.overwrite(rejects, out / REJECTS)
                for file in sorted((out / "base").glob("*.parquet")):
                    histogram = f"histograms/{name(number)}.parquet"
                    key = histogram if file.stem == HISTOGRAM else f"base/{name(number)}/{file.name}"
                    run.work.overwrite(key, file)
                run.work.overwrite(done, as_json({**result, "outputs": outputs({rejects: out / REJECTS})}))
    return {"bucket": number}


def _base(connection: duckdb.DuckDBPyConnection, run: Run, bucket: Bucket, sql: SqlFolder, out: Path) -> dict[str, Any]:
    attach(connection, bucket.lake)
    (out / "base").mkdir()
    [(last,)] = connection.execute("select cast(max(ordered_at) as varchar) from orders").fetchall()
    relations: tuple[str, ...] = ()
    with suppress(HistoryError):  # no customer of this bucket has features: all go to the rejects
        make_intermediate(connection, sql, run.as_of)
        sql.view(connection, [HISTOGRAM], {})
        relations = (HISTOGRAM, *INTERMEDIATE)
        if run.request.label_days:
            make_labels(connection, sql, run.as_of, run.request.label_days)
            relations = (*relations, LABELS)
    for relation in relations:
        target = literal(str(out / "base" / f"{relation}.parquet"))
        connection.execute(f"copy (select * from {relation}) to {target} (format parquet)")
    rejected = unscored(connection, "purchases")
    write_rejects(connection, None, out / REJECTS)
    return {"rows": bucket.rows, "rejected": rejected, "last_order": last}


def learn(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Learn the cut points from all buckets' histograms; HistoryError when no bucket has customers."""
    run = Run.open(event["run"])
    if run.work.find(CUT_POINTS) is None:
        with database() as (folder, connection):
            with clock.stage("fetch"):
                files = run.fetch_folder("histograms/", folder / "histograms", clock)
            if not files:
                raise no_customers(run)
            with clock.stage("learn", connection):
                total = f"select measure, amount, cast(sum(customers) as bigint) as customers from {parquet(files)}"
                connection.execute(f"create temp table {HISTOGRAM} as {total} group by measure, amount")
                cut_points = cut_points_of_histogram(connection, loader.bundle.sql)
            run.work.overwrite(CUT_POINTS, as_json(cut_points))
    return run.next_input()


def no_customers(run: Run) -> HistoryError:
    """Return the error when no customer has an order before as_of."""
    return HistoryError(f"no customer has an order before as_of {run.plan['wanted']['as_of']}; choose a later one")


def apply(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Write one bucket's features with the cut points of all buckets, unless it is finished."""
    run, number = Run.open(event["run"]), int(event["item"]["bucket"])
    done, output = f"{name(number)}/{RESULT}", f"{name(number)}/{FEATURES}"
    if run.parts.find(done) is None:
        base_result = run.read(f"base/{name(number)}.json")
        with database() as (folder, connection):
            with clock.stage("fetch"):
                files = run.fetch_folder(f"base/{name(number)}/", folder / "base", clock)
            customers, written = 0, {}
            if files:
                with clock.stage("features", connection):
                    customers = _apply(connection, run, files, loader.bundle.sql, folder / FEATURES)
                run.parts.overwrite(output, folder / FEATURES)
                written = outputs({output: folder / FEATURES})
            seconds = clock.rounded_seconds
            result = BucketResult(number, base_result["rows"], customers, base_result["rejected"], seconds)
            run.parts.overwrite(done, as_json({**result.to_dict(), "outputs": {**base_result["outputs"], **written}}))
    return {"bucket": number}


def _apply(connection: duckdb.DuckDBPyConnection, run: Run, files: list[Path], sql: SqlFolder, out: Path) -> int:
    for file in files:
        connection.execute(f"create temp view {file.stem} as select * from {parquet([file])}")
    make_from_intermediate(connection, sql, run.as_of, cut_points_of(run))
    return write_features(connection, run.as_of, out, LABELLED if run.request.label_days else "customer_features")


def cut_points_of(run: Run) -> CutPoints:
    """Return the cut points that a run has learnt."""
    return [(str(measure), int(number), int(value)) for measure, number, value in run.read(CUT_POINTS)]


def warn_short_labels(run: Run, last_orders: Sequence[str | None]) -> list[str]:
    """Warn when the period of the labels ends after the last order."""
    last = max(filter(None, last_orders), default="")
    end = f"{run.as_of + timedelta(days=run.request.label_days):%Y-%m-%d %H:%M:%S}"
    if not run.request.label_days or last >= end[: len(last)]:
        return []
    return [f"labels look ahead to {end[:10]}, but the last order is on {last[:10]}; choose an earlier as_of"]
