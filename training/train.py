"""One training run: snapshots, models judged on held-out time, models refitted on everything, the bundle."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from regulars import lake as lakes
from regulars.bundle import MANIFEST, Bundle, Verdict
from regulars.features import CutPoints, FeatureTable, collapsed, make_features_learning
from regulars.files import refuse_foreign
from regulars.lake import LakeInfo
from regulars.sql import SqlFolder

from training import churn, clv, cutoffs, dataset, explain, package, segment
from training.segment_identity import last_segments

STEPS = 9
"""How often `advance` is called beside once for each cutoff."""

Advance = Callable[[str], None]


def train(  # noqa: PLR0913 - one plain knob each, given by name
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    *,
    as_of: datetime,
    horizon_days: int,
    out: Path,
    segments: int = segment.DEFAULT,
    last_bundle: Path | None = None,
    advance: Advance = lambda _: None,
) -> Bundle:
    """Train every task on what the lake knew before `as_of`, and write the bundle to `out`.

    Segments keep the ids and names of those in `last_bundle`, or else in the bundle that is replaced. HistoryError when
    the history cannot carry it; nothing is written then.
    """
    refuse_foreign(out, MANIFEST)
    info = lakes.attach(connection, lake)
    first, last = dataset.history(connection)
    plan = cutoffs.plan(first, last, as_of, horizon_days)
    data = dataset.build(connection, sql, plan.cutoffs, plan.label_days, lambda: advance("snapshots"))
    metrics = _judge(data, plan, info.minor_units, advance)
    fit = data.at(plan.fit)
    advance("clv: fit")
    clv_files = clv.ClvModel(fit, plan, _season(data, plan, as_of)).export(fit)
    advance("churn: fit")
    churn_files = churn.ChurnModel(fit, plan).export(fit)
    advance("segment: fit")
    cut_points, table = _today(connection, sql, as_of)
    last_ones, forgotten = last_segments(last_bundle or out)
    segments_model = segment.SegmentModel(table, segments, last_ones)
    metrics["segment"] = segments_model.metrics(table)
    advance("bundle")
    exports = [clv_files, churn_files, segments_model.export(), explain.typical(table)]
    files = package.contents(exports, cut_points, sql)
    facts = _facts(lake, info, plan, data, metrics)
    facts["training"]["warnings"] = [*collapsed(cut_points), *plan.warnings, *forgotten]
    return package.write(out, files, facts)


def _judge(data: dataset.Dataset, plan: cutoffs.Plan, minor_units: int, advance: Advance) -> dict[str, Any]:
    """Fit on what was known before the holdout and judge on the holdout."""
    before, holdout = data.at(plan.before_holdout), data.at([plan.holdout])
    advance("clv: judge on held-out time")
    value_model = clv.ClvModel(before, plan, _season(data, plan, plan.holdout))
    value = clv.evaluate(value_model, holdout, before, minor_units)
    advance("churn: judge on held-out time")
    churn_model = churn.ChurnModel(before, plan)
    churned = churn.evaluate(churn_model, holdout)
    advance("reasons: judge on held-out time")
    value["explained"] = explain.report(
        value_model.booster,
        value_model.importance(),
        value_model.predict_cents,
        explain.value_loss(minor_units),
        holdout,
    )
    churned["explained"] = explain.report(
        churn_model.forest, churn_model.importance(), churn_model.predict, explain.churn_loss, holdout
    )
    return {"clv": value, "churn": churned}


def _season(data: dataset.Dataset, plan: cutoffs.Plan, moment: datetime) -> dataset.Dataset | None:
    """Return the snapshot of the same window one year before `moment`, where history reaches back to it."""
    year_before = plan.year_before(moment)
    return data.at([year_before]) if year_before else None


def _today(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime) -> tuple[CutPoints, FeatureTable]:
    """Learn the cut points at `as_of` and return them with every customer's features."""
    cut_points = make_features_learning(connection, sql, as_of)
    return cut_points, FeatureTable.read(connection)


def _facts(
    lake: Path, info: LakeInfo, plan: cutoffs.Plan, data: dataset.Dataset, metrics: dict[str, Any]
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
        "verdict": verdict(metrics),
    }


def verdict(metrics: dict[str, Any]) -> Verdict:
    """Say how the models stand against the baselines that a sceptic would name, on held-out time.

    Less than one standard error of the difference is a tie; only what is worse than that fails.
    """
    value, churned = metrics["clv"], metrics["churn"]
    said = [_against("value RMSE", "rmse", value, name, sign=-1) for name in value["baselines"]]
    said.append(_against("value Gini", "gini", value, "last_period"))
    said.append(_against("churn ROC-AUC", "roc_auc", churned, "recency"))
    return Verdict(passed=not any(line.startswith("WORSE") for line in said), reasons=said)


def _against(what: str, metric: str, mine: dict[str, Any], name: str, sign: int = 1) -> str:
    """Compare one metric with a baseline's; `sign` is -1 where lower is better."""
    other = mine["baselines"][name]
    gap = sign * other[f"{metric}_gap_se"]
    word = "tie" if abs(gap) < 1 else "better" if gap > 0 else "WORSE"
    return f"{word}: {what} {mine[metric]:.3f}, {name} {other[metric]:.3f} ({gap:+.1f} standard errors)"
