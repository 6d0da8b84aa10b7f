"""Fit naive models of the size of ours on a lake's rows, and save them with joblib: `train.py ROWS OUT`."""

import sys
from pathlib import Path

import joblib
import pandas as pd
import xgboost as xgb
from features import features
from sklearn.ensemble import RandomForestClassifier

HORIZON = pd.Timedelta(days=90)


def main(rows: Path, out: Path) -> None:
    """Read orders.csv and events.csv from `rows`; write churn.joblib and clv.joblib to `out`."""
    orders = pd.read_csv(rows / "orders.csv", parse_dates=["ordered_at"])
    events = pd.read_csv(rows / "events.csv", parse_dates=["occurred_at"])
    as_of = orders["ordered_at"].max() - HORIZON
    table = features(orders, events, as_of)
    after = orders[(orders["ordered_at"] >= as_of)].groupby("customer_id")["order_value"].sum().reindex(table.index)
    forest = RandomForestClassifier(200, min_samples_leaf=30, max_features="sqrt", n_jobs=1, random_state=7)
    forest.fit(table.fillna(-1), after.isna())
    booster = xgb.XGBRegressor(n_estimators=150, max_depth=3, learning_rate=0.03, objective="reg:tweedie", n_jobs=1)
    booster.fit(table, after.fillna(0.0).clip(lower=0.0))
    joblib.dump(forest, out / "churn.joblib")
    joblib.dump(booster, out / "clv.joblib")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
