"""One training run: snapshots, models judged on held-out time, models refitted on everything, the bundle."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from regulars import lake as lakes
from regulars.bundle import Bundle, Verdict
from regulars.features import FeatureTable, learn_cut_points, make_base, make_features
from regulars.lake import LakeInfo
from regulars.sql import SqlFolder
from training import churn, clv, cutoffs, dataset, package, segment

STEPS = 8
"""How often `advance` is called beside once for each cutoff."""

Advance = Callable[[str], None]


def train(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    *,
    as_of: datetime,
    horizon_days: int,
    out: Path,
    segments: int = segment.DEFAULT,
    advance: Advance = lambda _: None,
) -> Bundle:
    """Train every task on what the lake knew before `as_of`, and write the bundle to `out`.

    HistoryError when the history cannot carry it; nothing is written then.
    """
    info = lakes.attach(connection, lake)
    first, last = dataset.history(connection)
    plan = cutoffs.plan(first, last, as_of, horizon_days)
    data = dataset.build(connection, sql, plan.cutoffs, plan.label_days, lambda: advance("snapshots"))
    metrics = _judge(data, plan, info.minor_units, advance)
    fit = data.at(plan.fit)
    advance("clv: fit")
    clv_files = clv.ClvModel(fit, plan).export(fit)
    advance("churn: fit")
    churn_files = churn.ChurnModel(fit, plan).export(fit)
    advance("segment: fit")
    cut_points, table = _today(connection, sql, as_of)
    segments_model = segment.SegmentModel(table, segments)
    metrics["segment"] = segments_model.metrics(table)
    advance("bundle")
    files = package.contents([clv_files, churn_files, segments_model.export()], cut_points, sql)
    return package.write(out, files, _facts(lake, info, plan, data, metrics))


def _judge(data: dataset.Dataset, plan: cutoffs.Plan, minor_units: int, advance: Advance) -> dict[str, Any]:
    """Fit on what was known before the holdout and judge on the holdout."""
    before, holdout = data.at(plan.before_holdout), data.at([plan.holdout])
    advance("clv: judge on held-out time")
    value = clv.evaluate(clv.ClvModel(before, plan), holdout, before, minor_units)
    advance("churn: judge on held-out time")
    return {"clv": value, "churn": churn.evaluate(churn.ChurnModel(before, plan), holdout)}


def _today(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, as_of: datetime
) -> tuple[list[tuple[str, int, int]], FeatureTable]:
    """Learn the cut points at `as_of` and return them with every customer's features."""
    make_base(connection, sql, as_of)
    cut_points = list(learn_cut_points(connection, sql))
    make_features(connection, sql, as_of, cut_points)
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
    """Say whether the models beat the baselines that a sceptic would name, on held-out time."""
    value, churned = metrics["clv"], metrics["churn"]
    checks = {
        f"value RMSE {value['rmse']:.2f} below {name}'s {score['rmse']:.2f}": value["rmse"] < score["rmse"]
        for name, score in value["baselines"].items()
    }
    last = value["baselines"]["last_period"]["gini"]
    checks[f"value Gini {value['gini']:.3f} above last_period's {last:.3f}"] = value["gini"] > last
    recency = churned["baselines"]["recency"]["roc_auc"]
    checks[f"churn ROC-AUC {churned['roc_auc']:.3f} above recency's {recency:.3f}"] = churned["roc_auc"] > recency
    reasons = [f"{'yes' if passed else 'NO'}: {check}" for check, passed in checks.items()]
    return Verdict(passed=all(checks.values()), reasons=reasons)
