"""Naive script with the same outputs: features by pandas, pickled models, exact TreeSHAP.

`python -m benchmarks.batch.same LAKE AS_OF MODELS OUT [--fit]`; with --fit the models are made first. It uses
all features of `regulars batch`, a forest for churn, XGBoost for value and three quantiles, and k-means. The three
largest reasons of value and churn come from XGBoost's TreeSHAP, for the forest on the same trees. Reasons are made for
a sample of SAMPLE customers, and their seconds are extrapolated to all.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import DMatrix, XGBRegressor

from benchmarks.features.by_pandas import features
from benchmarks.features.contender import Task
from regulars.instants import parse_as_of
from regulars_training.evaluation.treeshap import as_booster

SAMPLE, TOP = 2_000, 3
LEVELS = (0.1, 0.5, 0.9)


def table(lake: Path, as_of: str, days_before: int, out: Path) -> pd.DataFrame:
    """Make the features of all customers at a moment; return them by customer."""
    moment = parse_as_of(as_of) - timedelta(days=days_before)
    features(Task(lake, moment, out, threads=2, memory_limit="", temp=out.parent))
    return pd.read_parquet(out).set_index("customer_id").drop(columns="as_of")


def fit(lake: Path, as_of: str, models: Path, scratch: Path) -> None:
    """Fit on features of 90 days before and the value after."""
    known, now = table(lake, as_of, 90, scratch), table(lake, as_of, 0, scratch)["spend_90d_cents"]
    value = now.reindex(known.index).fillna(0)
    forest = RandomForestClassifier(150, min_samples_leaf=100, max_features=0.4, max_samples=20_000, n_jobs=2)
    joblib.dump(forest.fit(known.fillna(-1).to_numpy(), value == 0), models / "churn.joblib")
    joblib.dump(XGBRegressor(n_estimators=225, max_depth=3, n_jobs=2).fit(known, value), models / "clv.joblib")
    for level in LEVELS:
        model = XGBRegressor(
            n_estimators=40, max_depth=3, n_jobs=2, objective="reg:quantileerror", quantile_alpha=level
        )
        joblib.dump(model.fit(known, value), models / f"q{level}.joblib")
    joblib.dump(make_pipeline(StandardScaler(), KMeans(5)).fit(known.fillna(0)), models / "segment.joblib")


def largest(values: np.ndarray, names: pd.Index) -> list[list[tuple[str, float]]]:
    """Return each row's largest contributions, with names; the last column of `values` is the bias."""
    order = np.argsort(-np.abs(values[:, :-1]), axis=1)[:, :TOP]
    return [[(names[place], float(row[place])) for place in places] for row, places in zip(values, order, strict=True)]


def main() -> None:
    """Fit with --fit, else score."""
    lake, as_of, models, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    if "--fit" in sys.argv:
        fit(lake, as_of, models, out)
        return
    start = time.perf_counter()
    rows = table(lake, as_of, 0, out)
    made = time.perf_counter()
    churn, clv, segment = (joblib.load(models / f"{name}.joblib") for name in ("churn", "clv", "segment"))
    scores = pd.DataFrame(
        {"churn": churn.predict_proba(rows.fillna(-1).to_numpy())[:, 1], "value": clv.predict(rows)}, rows.index
    )
    for level in LEVELS:
        scores[f"q{level}"] = joblib.load(models / f"q{level}.joblib").predict(rows)
    scores["segment"] = segment.predict(rows.fillna(0))
    scores.reset_index().to_parquet(out)
    scored = time.perf_counter()
    sample = rows.iloc[:: max(len(rows) // SAMPLE, 1)]
    forest = as_booster(churn, sample.fillna(-1).to_numpy(np.float32))
    for booster, values in ((clv.get_booster(), sample), (forest, sample.fillna(-1))):
        names = list(booster.feature_names or []) or None
        data = DMatrix(values.to_numpy(np.float32), feature_names=names, nthread=2)
        largest(booster.predict(data, pred_contribs=True), rows.columns)
    sampled = time.perf_counter() - scored
    seconds = {"features": made - start, "models and file": scored - made, "reasons": sampled * len(rows) / len(sample)}
    sys.stdout.write(json.dumps({**seconds, "sampled": sampled, "customers": len(scores)}))


if __name__ == "__main__":
    main()
