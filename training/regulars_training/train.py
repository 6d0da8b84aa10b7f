"""One training run: make snapshots, evaluate models on held-out time, refit on everything, write the bundle."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from regulars.data import lake as lakes
from regulars.data.atomic_files import refuse_foreign
from regulars.data.lake import LakeInfo
from regulars.data.sql import SqlFolder
from regulars.features.cut_points import collapsed
from regulars.models.bundle import MANIFEST, Bundle
from regulars_training.data import cutoffs, dataset
from regulars_training.evaluation import champion, evaluate, explain, gate
from regulars_training.export import package
from regulars_training.models import segment
from regulars_training.models.recipe import Recipe
from regulars_training.models.segment_identity import last_segments

STEPS = 9
"""Number of calls of `advance`, not counting one for each cutoff."""

Advance = Callable[[str], None]


def train(  # noqa: PLR0913 - independent options, given by name
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    *,
    as_of: datetime,
    horizon_days: int,
    out: Path,
    segments: int = segment.DEFAULT,
    last_bundle: Path | None = None,
    force: bool = False,
    advance: Advance = lambda _: None,
) -> Bundle:
    """Train every task on what the lake knew before `as_of`, and write the bundle to `out`.

    The champion is the bundle at `last_bundle`, by default the one at `out`. Segments keep its ids and names, and the
    verdict compares the new models with it. A new bundle that fails the verdict goes to `lost(out)`, unless `force`.
    The first bundle at `out` is written there with any verdict.

    HistoryError when the history is too short; nothing is written then.
    """
    for folder in (out, lost(out)):
        refuse_foreign(folder, MANIFEST)
    if last_bundle:
        Bundle(last_bundle).verify()
    info = lakes.attach(connection, lake)
    first, last = dataset.history(connection)
    plan, data, today = learnable(connection, sql, cutoffs.plan(first, last, as_of, horizon_days), advance)
    recipe = Recipe(dataset.stacked([data.frame, today.frame]), plan)
    advance("evaluate on held-out time")
    metrics = evaluate.evaluate(recipe, info.minor_units)
    comparison = champion.compare(connection, last_bundle or out, recipe, metrics)
    advance("fit")
    models, fit = recipe.at(as_of), data.at(plan.fit)
    advance("export")
    exports = [models.clv.export(fit), models.churn.export(fit)]
    advance("segment: fit")
    previous, unreadable = last_segments(last_bundle or out)
    segments_model = segment.SegmentModel(today.table, segments, previous)
    metrics["segment"] = segments_model.metrics(today.table)
    advance("bundle")
    exports += [segments_model.export(), explain.typical(today.table)]
    files = package.contents(exports, today.cut_points, today.process, sql)
    facts = _facts(lake, info, plan, data, metrics) | {"verdict": gate.verdict(metrics, comparison)}
    facts["training"]["warnings"] = [*collapsed(today.cut_points), *plan.warnings, *unreadable]
    promoted = force or facts["verdict"].passed or not (out / MANIFEST).exists()
    return package.write(out if promoted else lost(out), files, facts)


def lost(out: Path) -> Path:
    """Return the folder beside `out` for a bundle that lost to a baseline or to the champion."""
    return out.with_name(f"{out.name}.lost")


def learnable(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, plan: cutoffs.CutoffPlan, advance: Advance = lambda _: None
) -> tuple[cutoffs.CutoffPlan, dataset.Dataset, dataset.Snapshot]:
    """Make the snapshots of the plan's cutoffs and of its `as_of`; return the plan without cutoffs that are thin."""
    build = partial(dataset.build, connection, sql, horizon_days=plan.horizon_days, needed=plan.needed)
    data = build(plan.cutoffs, plan.label_days, lambda: advance("snapshots"))
    today = dataset.snapshot(connection, sql, plan.as_of, plan.label_days, plan.horizon_days)
    return plan.without({*plan.cutoffs} - {*data.cutoffs}), data, today


def _facts(
    lake: Path, info: LakeInfo, plan: cutoffs.CutoffPlan, data: dataset.Dataset, metrics: dict[str, Any]
) -> dict[str, Any]:
    return {
        "as_of": plan.as_of,
        "horizon_days": plan.horizon_days,
        "label_days": plan.label_days,
        "currency": info.currency,
        "minor_units": info.minor_units,
        "features": list(data.features),
        "training": {
            "cutoffs": [f"{cutoff:%Y-%m-%d}" for cutoff in plan.fit],
            "holdout": f"{plan.holdout:%Y-%m-%d}",
            "holdout_cutoffs": [f"{cutoff:%Y-%m-%d}" for cutoff in plan.before_holdout],
            "rows": len(data.at(plan.fit).frame),
            "holdout_customers": len(data.at([plan.holdout]).frame),
            "data_sha256": package.fingerprint(lake, list(info.tables)),
        },
        "metrics": metrics,
    }
