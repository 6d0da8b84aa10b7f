"""The state machine's steps that make features instead of scores, by cut points that are learnt from all buckets.

work/<run>/base/bucket=NN/<relation>.parquet     what the rest follows from, and labels where they were asked for
work/<run>/histograms/bucket=NN.parquet          the relation rfm_histogram
work/<run>/cut_points.json                       learnt from all of them
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
from regulars.features.relations import KEPT, LABELS, make_from_kept, make_kept, make_labels, write_features
from regulars.models.loader import ModelLoader

CUT_POINTS = "cut_points.json"
LABELLED = f"""(
    select customer_features.*, {LABELS}.* exclude (customer_id)
    from customer_features
    join {LABELS} using (customer_id)
)"""


def base(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Make of one bucket all that needs nothing learnt, and the histogram that cut points are learnt from."""
    run, number = Run.open(event["run"]), int(event["item"]["bucket"])
    done = f"base/{name(number)}.json"
    if run.work.find(done) is None:
        with database() as (folder, connection):
            sql, out = loader.bundle.sql, folder / "out"
            out.mkdir()
            bucket = fetch_bucket(connection, run, number, folder, sql, clock)
            with clock.stage("base", connection):
                said = _base(connection, run, bucket, sql, out)
            with clock.stage("write"):
                rejects = f"{name(number)}/{REJECTS}"
                run.parts.overwrite(rejects, out / REJECTS)
                for file in sorted((out / "base").glob("*.parquet")):
                    place = "histograms" if file.stem == HISTOGRAM else f"base/{name(number)}"
                    where = f"{name(number)}.parquet" if file.stem == HISTOGRAM else file.name
                    run.work.overwrite(f"{place}/{where}", file)
                run.work.overwrite(done, as_json({**said, "outputs": outputs({rejects: out / REJECTS})}))
    return {"bucket": number}


def _base(connection: duckdb.DuckDBPyConnection, run: Run, bucket: Bucket, sql: SqlFolder, out: Path) -> dict[str, Any]:
    attach(connection, bucket.lake)
    (out / "base").mkdir()
    [(last,)] = connection.execute("select cast(max(ordered_at) as varchar) from orders").fetchall()
    kept: tuple[str, ...] = ()
    with suppress(HistoryError):  # then nobody here has features; who that is goes to the rejects
        make_kept(connection, sql, run.as_of)
        sql.view(connection, [HISTOGRAM], {})
        kept = (HISTOGRAM, *KEPT)
        if run.request.label_days:
            make_labels(connection, sql, run.as_of, run.request.label_days)
            kept = (*kept, LABELS)
    for relation in kept:
        target = literal(str(out / "base" / f"{relation}.parquet"))
        connection.execute(f"copy (select * from {relation}) to {target} (format parquet)")
    rejected = unscored(connection, "purchases")
    write_rejects(connection, None, out / REJECTS)
    return {"rows": bucket.rows, "rejected": rejected, "last_order": last}


def learn(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Learn the cut points from all buckets' histograms; HistoryError when there is nobody to learn from."""
    run = Run.open(event["run"])
    if run.work.find(CUT_POINTS) is None:
        with database() as (folder, connection):
            with clock.stage("fetch"):
                files = run.fetch_folder("histograms/", folder / "histograms", clock)
            if not files:
                raise no_customers(run)
            with clock.stage("learn", connection):
                added = f"select measure, amount, cast(sum(customers) as bigint) as customers from {parquet(files)}"
                connection.execute(f"create temp table {HISTOGRAM} as {added} group by measure, amount")
                cut_points = cut_points_of_histogram(connection, loader.bundle.sql)
            run.work.overwrite(CUT_POINTS, as_json(cut_points))
    return run.next_input()


def no_customers(run: Run) -> HistoryError:
    """Return what to raise when no customer of any bucket has an order before the moment."""
    return HistoryError(f"nobody has an order before as_of {run.plan['wanted']['as_of']}; choose a later one")


def apply(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Write one bucket's features, by the cut points of all; one that is finished is left."""
    run, number = Run.open(event["run"]), int(event["item"]["bucket"])
    done, place = f"{name(number)}/{RESULT}", f"{name(number)}/{FEATURES}"
    if run.parts.find(done) is None:
        said = run.read(f"base/{name(number)}.json")
        with database() as (folder, connection):
            with clock.stage("fetch"):
                files = run.fetch_folder(f"base/{name(number)}/", folder / "base", clock)
            made, written = 0, {}
            if files:
                with clock.stage("features", connection):
                    made = _apply(connection, run, files, loader.bundle.sql, folder / FEATURES)
                run.parts.overwrite(place, folder / FEATURES)
                written = outputs({place: folder / FEATURES})
            part = BucketResult(number, said["rows"], made, said["rejected"], clock.took)
            run.parts.overwrite(done, as_json({**part.to_dict(), "outputs": {**said["outputs"], **written}}))
    return {"bucket": number}


def _apply(connection: duckdb.DuckDBPyConnection, run: Run, files: list[Path], sql: SqlFolder, out: Path) -> int:
    for file in files:
        connection.execute(f"create temp view {file.stem} as select * from {parquet([file])}")
    make_from_kept(connection, sql, run.as_of, cut_points_of(run))
    return write_features(connection, run.as_of, out, LABELLED if run.request.label_days else "customer_features")


def cut_points_of(run: Run) -> CutPoints:
    """Return the cut points that a run has learnt."""
    return [(str(measure), int(number), int(value)) for measure, number, value in run.read(CUT_POINTS)]


def warn_short(run: Run, last_orders: Sequence[str | None]) -> list[str]:
    """Warn of labels that look further ahead than the orders go."""
    last = max((each for each in last_orders if each), default="")
    end = f"{run.as_of + timedelta(days=run.request.label_days):%Y-%m-%d %H:%M:%S}"
    if not run.request.label_days or last >= end[: len(last)]:
        return []
    return [f"labels look ahead to {end[:10]}, and the last order is of {last[:10]}; choose an earlier as_of"]
