"""A warm function beside a naive one: `python benchmarks/warm.py LAKE BUNDLE [--peer FOLDER]`.

Customers with their histories are drawn from LAKE and sent in requests of 1, 10, 100 and 1,000 to the Lambda handler of
POST /v1/churn in this process. The peer gets the same requests: FastAPI and Mangum as in their tutorials, a Pydantic
model of the request, features by pandas, a random forest of scikit-learn and a booster of XGBoost from joblib files, no
reasons. Both are called in turn for each request, so other load on the machine affects both. Prints milliseconds of
wall time (p50, p99) and of CPU (median), and customers a second by wall and by CPU.

The peer needs pandas, which is not a dependency of the project: `pip install --target FOLDER --no-deps pandas`, then
`--peer FOLDER`.
"""

import argparse
import contextlib
import io
import json
import os
import random
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
from rich.console import Console
from rich.table import Table

from regulars.models.bundle import Bundle
from regulars_workbench.invoke import LocalContext

ROOT = Path(__file__).resolve().parents[1]
REQUESTS = {1: 200, 10: 60, 100: 20, 1_000: 8}
"""Requests by the number of customers in each."""

Ask = Callable[[dict[str, Any]], dict[str, Any]]


def histories(lake: Path, as_of: str) -> list[dict[str, Any]]:
    """Return every customer of a lake with an order before `as_of`, in the format of a request."""
    stamp = "strftime({0}, '%Y-%m-%dT%H:%M:%SZ') as {0}".format
    money = "{0}_cents / 100 as {0}".format
    with duckdb.connect() as connection:

        def rows(table: str, columns: str, where: str = "true") -> dict[str, list[dict[str, Any]]]:
            relation = connection.sql(f"select customer_id, {columns} from '{lake}/{table}/*.parquet' where {where}")
            rows_of: dict[str, list[dict[str, Any]]] = {}
            for name, *values in relation.fetchall():
                row = dict(zip(relation.columns[1:], values, strict=True))
                rows_of.setdefault(name, []).append({key: value for key, value in row.items() if value is not None})
            return rows_of

        order_columns = [stamp("ordered_at"), *map(money, ("order_value", "discount", "margin"))]
        orders = rows("orders", ", ".join(["order_id, is_return, quantity", *order_columns]), f"ordered_at < '{as_of}'")
        events = rows("events", f"{stamp('occurred_at')}, kind", f"occurred_at < '{as_of}'")
        people = rows("customers", f"{stamp('signed_up_at')}, {money('acquisition_cost')}")
    return [
        {"customer_id": name, "orders": orders[name], "events": events.get(name, []), **people[name][0]}
        for name in sorted(orders)
        if any(not order["is_return"] for order in orders[name])
    ]


def ours(bundle: Path) -> Ask:
    """Return the function's own handler."""
    os.environ |= {"REGULARS_BUNDLE": str(bundle), "REGULARS_THREADS": "1"}
    handler = runpy.run_path(str(ROOT / "functions" / "churn" / "app.py"))["handler"]
    return lambda event: handler(event, LocalContext("churn"))


def naive(folder: Path, customers: list[dict[str, Any]], as_of: str) -> Ask:
    """Fit the peer's models on half of the customers, save and load them, and return its handler."""
    import joblib  # noqa: PLC0415 - only the peer needs it
    import pandas as pd  # noqa: PLC0415 - only the peer needs it
    from fastapi import FastAPI  # noqa: PLC0415 - only the peer needs it
    from mangum import Mangum  # noqa: PLC0415 - only the peer needs it
    from pydantic import BaseModel  # noqa: PLC0415 - only the peer needs it
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - only the peer needs it
    from xgboost import XGBRegressor  # noqa: PLC0415 - only the peer needs it

    class Customer(BaseModel):
        customer_id: str
        signed_up_at: str
        acquisition_cost: float | None = None
        orders: list[dict[str, Any]]
        events: list[dict[str, Any]] = []

    class Request(BaseModel):
        as_of: str
        customers: list[Customer]

    def features(sent: list[dict[str, Any]], moment: str) -> Any:  # noqa: ANN401 - a data frame
        at = pd.Timestamp(moment).tz_localize("UTC") if "Z" not in moment else pd.Timestamp(moment)
        orders = pd.json_normalize(sent, "orders", ["customer_id"])
        orders["ordered_at"] = pd.to_datetime(orders["ordered_at"])
        orders = orders[(orders["ordered_at"] < at) & (orders["order_value"] > 0)]
        grouped = orders.groupby("customer_id")
        table = grouped.agg(
            order_count=("order_value", "size"), spend=("order_value", "sum"), mean=("order_value", "mean"),
            last=("ordered_at", "max"), first=("ordered_at", "min"),
        )  # fmt: skip
        table["recency"] = (at - table.pop("last")).dt.total_seconds() / 86400
        table["age"] = (at - table.pop("first")).dt.total_seconds() / 86400
        table["gap"] = table["age"] / table["order_count"]
        for days in (30, 90, 180, 365):
            recent = orders[orders["ordered_at"] >= at - pd.Timedelta(days=days)].groupby("customer_id")["order_value"]
            table[f"orders_{days}"], table[f"spend_{days}"] = recent.size(), recent.sum()
        if any(customer["events"] for customer in sent):
            events = pd.json_normalize(sent, "events", ["customer_id"])
            events["occurred_at"] = pd.to_datetime(events["occurred_at"])
            events = events[(events["occurred_at"] < at) & (events["occurred_at"] >= at - pd.Timedelta(days=90))]
            counts = events.groupby(["customer_id", "kind"]).size().unstack(fill_value=0)  # noqa: PD010 - naive on purpose
        else:
            counts = pd.DataFrame()
        for kind in ("email_sent", "email_open", "email_click", "site_visit", "support_ticket"):
            table[kind] = counts.get(kind, 0)
        return table.fillna(0.0)

    cut = (pd.Timestamp(as_of) - pd.Timedelta(days=90)).strftime("%Y-%m-%dT00:00:00Z")
    known = features(customers, cut)
    future: dict[str, float] = {}
    for sent in customers:
        future[sent["customer_id"]] = sum(
            order["order_value"] for order in sent["orders"] if order["ordered_at"] >= cut and order["order_value"] > 0
        )
    spent = np.array([future[name] for name in known.index])
    forest = RandomForestClassifier(300, min_samples_leaf=50, max_features="sqrt", n_jobs=2, random_state=7)
    joblib.dump(forest.fit(known, spent == 0).set_params(n_jobs=1), folder / "churn.joblib")
    joblib.dump(XGBRegressor(n_estimators=150, max_depth=3, n_jobs=1).fit(known, spent), folder / "clv.joblib")
    churn, clv = joblib.load(folder / "churn.joblib"), joblib.load(folder / "clv.joblib")
    app = FastAPI()

    @app.post("/v1/churn")
    def answer(request: Request) -> dict[str, Any]:
        table = features([customer.model_dump() for customer in request.customers], request.as_of)
        frame = table[list(churn.feature_names_in_)]
        answers = zip(table.index, churn.predict_proba(frame)[:, 1], clv.predict(frame), strict=True)
        return {"results": [{"customer_id": name, "churn": float(p), "value": float(v)} for name, p, v in answers]}

    mangum = Mangum(app, lifespan="off")
    return lambda event: mangum(event, LocalContext("naive"))


def measure(
    asks: dict[str, Ask], events: list[dict[str, Any]]
) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Send each request to every contestant in turn; return its milliseconds of wall time and of CPU."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in asks}
    for place, event in enumerate([*events[:3], *events]):
        for name, ask in asks.items():
            with contextlib.redirect_stdout(io.StringIO()):  # metrics are printed there
                wall, cpu = time.perf_counter(), time.process_time()
                answer = ask(event)
                took = time.perf_counter() - wall, time.process_time() - cpu
            assert answer["statusCode"] == 200, answer["body"][:300]  # noqa: S101, PLR2004 - a failed request is not measured
            if place >= len(events[:3]):
                spent[name].append(took)
    return {name: (np.array(took)[:, 0] * 1e3, np.array(took)[:, 1] * 1e3) for name, took in spent.items()}


def main() -> None:
    """Draw customers, send requests, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--peer", type=Path, help="folder with pandas; without it the peer is skipped")
    options = parser.parse_args()
    as_of = Bundle(options.bundle).manifest.as_of.strftime("%Y-%m-%dT00:00:00Z")
    customers = histories(options.lake, as_of)
    random.Random(7).shuffle(customers)  # noqa: S311 - a fixed sample
    template = json.loads((ROOT / "functions" / "churn" / "event.json").read_bytes())
    template["requestContext"]["http"]["path"] = template["rawPath"] = "/v1/churn"
    with TemporaryDirectory() as folder:
        asks = {"regulars, three reasons": ours(options.bundle)}
        if options.peer:
            sys.path.append(str(options.peer))
            asks["naive, no reasons"] = naive(Path(folder), customers, as_of)
        rows = sum(len(sent["orders"]) + len(sent["events"]) for sent in customers) / len(customers)
        heads = (
            "customers",
            "contestant",
            "p50 ms",
            "p99 ms",
            "CPU ms",
            "customers/s",
            "customers/s of CPU",
            "request kB",
        )
        table = Table(*heads, title=f"{options.lake.name}: {rows:.0f} orders and events a customer")
        for count, requests in REQUESTS.items():
            drawn = [random.Random(place).sample(customers, count) for place in range(requests)]  # noqa: S311 - the same
            events = [template | {"body": json.dumps({"as_of": as_of, "customers": some})} for some in drawn]
            for name, (wall, cpu) in measure(asks, events).items():
                middle, late, busy = np.median(wall), np.quantile(wall, 0.99), np.median(cpu)
                numbers = (f"{middle:.1f}", f"{late:.1f}", f"{busy:.1f}", f"{count / middle * 1e3:,.0f}")
                table.add_row(
                    f"{count:,}", name, *numbers, f"{count / busy * 1e3:,.0f}", f"{len(events[0]['body']) / 1e3:,.0f}"
                )
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
