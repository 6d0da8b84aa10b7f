"""A naive function: models from joblib files, loaded at import, features in pandas."""

import asyncio
import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from features import features
from mangum import Mangum

MODELS = Path(os.environ["NAIVE_MODELS"])
churn = joblib.load(MODELS / "churn.joblib")
clv = joblib.load(MODELS / "clv.joblib")

asyncio.set_event_loop(asyncio.new_event_loop())
app = FastAPI()


@app.post("/naive")
def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return churn and value of each customer."""
    rows = {name: [] for name in ("orders", "events")}
    for customer in request["customers"]:
        for name, kept in rows.items():
            kept += [{"customer_id": customer["customer_id"], **row} for row in customer.get(name, [])]
    orders = pd.DataFrame(rows["orders"], columns=["customer_id", "ordered_at", "order_value"])
    events = pd.DataFrame(rows["events"], columns=["customer_id", "occurred_at", "kind"])
    orders["ordered_at"] = pd.to_datetime(orders["ordered_at"], utc=True)
    events["occurred_at"] = pd.to_datetime(events["occurred_at"], utc=True)
    table = features(orders, events, pd.Timestamp(request["as_of"]))
    probability = churn.predict_proba(table.fillna(-1))[:, 1]
    value = clv.predict(table)
    return [
        {"customer_id": name, "churn_probability": float(p), "predicted_value": float(v)}
        for name, p, v in zip(table.index, probability, value, strict=True)
    ]


handler = Mangum(app, lifespan="off")
