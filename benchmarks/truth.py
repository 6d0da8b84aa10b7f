"""Models compared with the truth of a simulated shop: `python benchmarks/truth.py LAKE SCORES`.

LAKE is made by `regulars simulate`, SCORES by `regulars train LAKE --as-of END --horizon 90` and `regulars
score`, both at the end of the log. Prints, by tenth of the predicted churn probability, the mean prediction and the
mean true probability of no order within 90 days. Prints the share of the truly expected value in the best tenth. Prints
ROC-AUC of churn and Gini of value, beside two bounds: a forecaster who knows each customer's true rate, hazard, fading
and spend but not who has left, and one who also knows who has left.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from regulars_training.metrics import gini
from regulars_workbench.simulator.clock import DAY_S, YEAR, Floats
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.draw.treatments import mean_value
from regulars_workbench.simulator.truth.oracle import forecast
from regulars_workbench.simulator.verify.simulated_lake import SimulatedLake

TENTHS = 10
HORIZON = 90
STEPS = 400
"""Steps of the integral over the day of leaving."""


def main(lake: Path, scores: Path) -> None:
    """Join scores and truth and print the tables."""
    console = Console(width=100)
    joined = (
        pl.read_parquet(scores)
        .join(pl.read_parquet(lake / "truth" / "value" / "*.parquet"), on="customer_id")
        .join(informed(lake), on="customer_id")
    )
    predicted, true = (joined[name].to_numpy() for name in ("churn_probability", "true_no_order_90d"))
    table = Table("tenth", "customers", "predicted", "true", title=f"Churn in 90 days, {len(joined):,} customers")
    for number, part in enumerate(np.array_split(np.argsort(predicted), TENTHS), start=1):
        cells = (f"{len(part):,}", f"{predicted[part].mean():.3f}", f"{true[part].mean():.3f}")
        table.add_row(str(number), *cells)
    table.add_row("all", f"{len(joined):,}", f"{predicted.mean():.3f}", f"{true.mean():.3f}")
    console.print(table)
    console.print(f"correlation of predicted and true churn probability: {np.corrcoef(predicted, true)[0, 1]:.3f}")
    value, worth = joined["predicted_value"].to_numpy(), joined["true_value_90d_cents"].to_numpy()
    best = len(joined) // TENTHS
    held = worth[np.argsort(-value)[:best]].sum() / worth[np.argsort(-worth)[:best]].sum()
    console.print(f"expected value held by the best tenth by prediction, over the true best tenth's: {held:.3f}")
    table = Table("who", "churn, ROC-AUC", "value, Gini", title="Compared with each customer's true expectation")
    for who, churn, money in (
        ("these models", predicted, value),
        ("traits known, leaving not", joined["informed_no_order"].to_numpy(), joined["informed_value"].to_numpy()),
        ("all known", true, worth),
    ):
        table.add_row(who, f"{_expected_auc(true, churn):.3f}", f"{gini(worth, money):.3f}")
    console.print(table)


def informed(folder: Path) -> pl.DataFrame:
    """Return P(no order) and expected value of each customer when all traits are known, but not who has left.

    S is the probability to stay, lambda the rate, L the last order in shopping days. The density of no order after
    leaving at u is -dS(u) exp(-lambda (u - L)); of no order while staying it is S(T) exp(-lambda (T - L)). Their
    ratio gives the probability of still being a customer (Schmittlein, Morrison & Colombo 1987, for known rates).
    """
    with duckdb.connect() as connection:
        lake = SimulatedLake(connection, folder)
        names, people, end = lake.frame["customer_id"], lake.people, float(lake.clock.days)
        query = "select customer_id, max(epoch(ordered_at)) as second from sales group by 1"
        seconds = pl.DataFrame(connection.execute(query).fetchnumpy())
        start = datetime.combine(lake.clock.start, time(), UTC).timestamp()
        orders = lake.frame.select("customer_id").join(seconds, on="customer_id", how="left", maintain_order="left")
        last = (orders["second"].to_numpy() - start) / DAY_S
        last = np.where(np.isnan(last), people.joined, last)
        waited = lake.clock.shopping(np.full(len(last), end)) - lake.clock.shopping(last)
        ahead, shop = lake.world.ahead(lake.clock.days), lake.world.shop
        stays = replace(people, leaves=np.full(len(last), np.inf))
        expected = forecast(shop, ahead, stays, end, waited)
        alive = _alive(lake, people, last, end, waited)
        return pl.DataFrame(
            {
                "customer_id": names,
                "informed_no_order": 1.0 - alive * (1.0 - expected.p_no_order[HORIZON]),
                "informed_value": alive * expected.orders[HORIZON] * mean_value(shop, people),
            }
        )


def _alive(lake: SimulatedLake, people: People, last: Floats, end: float, waited: Floats) -> Floats:
    rate, hazard = people.rate / YEAR, people.hazard / YEAR

    def stays(day: Floats) -> Floats:
        return np.exp(-hazard * np.maximum(0.0, day - people.joined - people.fade))

    begun, left = lake.clock.shopping(last), np.zeros(len(last))
    for step in range(STEPS):
        edges = [last + (end - last) * place / STEPS for place in (step, step + 0.5, step + 1)]
        left += (stays(edges[0]) - stays(edges[2])) * np.exp(-rate * (lake.clock.shopping(edges[1]) - begun))
    staying = stays(np.full(len(last), end)) * np.exp(-rate * waited)
    return staying / (staying + left)


def _expected_auc(probability: Floats, score: Floats) -> float:
    """Return the expected ROC-AUC: each customer counts as churned with the true probability."""
    outcome = np.repeat([1, 0], len(probability))
    weight = np.concatenate([probability, 1.0 - probability])
    return float(roc_auc_score(outcome, np.tile(score, 2), sample_weight=weight))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
