"""Naive script: pandas for the lake, group-by for features, a pickled forest and booster, no reasons, one file.

`python -m benchmarks.batch.naive LAKE AS_OF MODELS OUT [--fit]`; with --fit the models are made first.
"""

import json
import sys
import time
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBRegressor

DAYS = (30, 90, 180, 365)


def read(lake: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """Read columns of a table of the lake."""
    return pd.concat([pd.read_parquet(file, columns=columns) for file in sorted((lake / table).glob("*.parquet"))])


def features(lake: Path, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return one row per customer with an order: counts, sums, windows, gaps and events."""
    orders = read(lake, "orders", ["customer_id", "ordered_at", "order_value_cents", "is_return"])
    orders = orders[(orders["ordered_at"] < as_of) & ~orders["is_return"]].sort_values(["customer_id", "ordered_at"])
    ids = orders["customer_id"]
    gap = orders.groupby("customer_id")["ordered_at"].diff().dt.total_seconds()
    made = {"count": ids, "spend": orders["order_value_cents"], "gap": gap}
    for days in DAYS:
        recent = orders["ordered_at"] >= as_of - pd.Timedelta(days=days)
        made[f"orders_{days}d"] = recent
        made[f"spend_{days}d"] = orders["order_value_cents"].where(recent, 0)
    frame = pd.DataFrame(made | {"at": orders["ordered_at"]})
    grouped = frame.groupby(ids)
    table = grouped[[name for name in made if name not in ("count", "gap")]].sum()
    table["count"] = grouped["count"].count()
    table["gap_mean"], table["gap_std"] = grouped["gap"].mean(), grouped["gap"].std()
    table["recency"] = (as_of - grouped["at"].max()).dt.total_seconds()
    table["age"] = (as_of - grouped["at"].min()).dt.total_seconds()
    events = read(lake, "events", ["customer_id", "occurred_at", "kind"])
    events = events[events["occurred_at"] >= as_of - pd.Timedelta(days=90)]
    counts = pd.crosstab(events["customer_id"], events["kind"])
    return table.join(counts).fillna(0)


def main() -> None:
    """Fit with --fit, else score."""
    lake, as_of, models, out = Path(sys.argv[1]), pd.Timestamp(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    if "--fit" in sys.argv:
        known = features(lake, as_of - pd.Timedelta(days=90))
        now = features(lake, as_of)["orders_90d"].reindex(known.index)
        forest = RandomForestClassifier(200, min_samples_leaf=20, max_samples=20_000, n_jobs=2)
        joblib.dump(forest.fit(known, now == 0).set_params(n_jobs=2), models / "churn.joblib")
        booster = XGBRegressor(n_estimators=300, max_depth=5, n_jobs=2)
        joblib.dump(booster.fit(known, now), models / "clv.joblib")
        return
    start = time.perf_counter()
    table = features(lake, as_of)
    made = time.perf_counter()
    churn, clv = joblib.load(models / "churn.joblib"), joblib.load(models / "clv.joblib")
    scores = pd.DataFrame({"churn": churn.predict_proba(table)[:, 1], "value": clv.predict(table)}, table.index)
    scores.reset_index().to_parquet(out)
    done = time.perf_counter()
    sys.stdout.write(json.dumps({"features": made - start, "models and file": done - made, "customers": len(scores)}))


main()
