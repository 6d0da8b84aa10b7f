"""Plans against the truth: `python benchmarks/plan_world.py [SEED ...] [--large CUSTOMERS]` (default seed 11).

The script simulates 100,000 customers. It learns effects from their campaigns with `regulars uplift`: every 61 days,
15 % of the customers, 70 % of them treated at random. At the end of the log it spends five budgets by the learnt
effects, and by four common policies. Each policy gets the action that is best for it in truth. The result is the margin
after cost that `truth/` expects within the horizon. Two references stand beside. The oracle plans by `truth/`. The
reach of the features plans by the same features, cross-fitted on the true groups: no learner should beat it.

`--large` also learns from the campaigns of a larger shop, whose first customers are the 100,000.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import numpy.typing as npt
import polars as pl
import xgboost as xgb
from rich.console import Console
from rich.table import Table

from regulars.actions.effects.uplift import Uplift
from regulars.actions.random_draws import customer_draws
from regulars.arrays import FloatArray
from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, connect
from regulars.features.relations import make_features_learning
from regulars.features.table import FeatureTable
from regulars.instants import parse_as_of
from regulars.models.purchase_process import Purchases, p_no_order
from regulars_training.uplift.learn import learn
from regulars_workbench.plan.solver.allocate import allocate
from regulars_workbench.plan.solver.problem import Problem
from regulars_workbench.simulator.draw.treatments import ACTIONS, GROUPS
from regulars_workbench.simulator.simulate import simulate

CUSTOMERS, HORIZON = 100_000, 30
END = "2026-07-01"
BUDGETS = (200, 500, 1_000, 2_000, 5_000)
SQL = SqlFolder(Path(__file__).resolve().parents[1] / "sql")
NAMES = tuple(ACTIONS)
COST = np.array([action.cost for action in ACTIONS.values()], dtype=np.float64)
DOG = GROUPS.index("sleeping_dog")
LIFT = np.array([action.lift for action in ACTIONS.values()])
HARM = np.array([action.harm for action in ACTIONS.values()])

Plans = Mapping[str, FloatArray]


def truth(lake: Path, table: FeatureTable) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Return each action's margin after cost within the horizon (actions, customers), group, orders, margin of one."""
    ids = pl.DataFrame({"customer_id": pl.Series(table.customer_ids, dtype=pl.String)})
    joined = {
        name: ids.join(pl.read_parquet(lake / "truth" / name / "*.parquet"), on="customer_id", maintain_order="left")
        for name in ("value", "response")
    }
    responses = joined["response"].sort("action", maintain_order=True).partition_by("action", as_dict=True)
    by_action = [responses[(name,)] for name in NAMES]
    orders = joined["value"][f"true_orders_{HORIZON}d"].to_numpy()
    year = joined["value"]["true_orders_365d"].to_numpy()
    group = np.searchsorted(np.sort(GROUPS), by_action[0]["true_group"].to_numpy())
    group = np.argsort(GROUPS)[group]
    # The truth counts a year of a sleeping dog's lost orders; within the horizon fewer are lost.
    extra = [
        response["true_orders"].to_numpy() + (group == DOG) * harm * (year - orders)
        for response, harm in zip(by_action, HARM, strict=True)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        margins = [
            (response["true_net_margin_cents"].to_numpy() + cost) / response["true_orders"].to_numpy()
            for response, cost in zip(by_action, COST, strict=True)
        ]
    margin = np.nanmax(np.where(np.isfinite(margins), margins, np.nan), axis=0, initial=0.0)
    return np.stack(extra) * margin - COST[:, None], group, orders, margin


def reach(table: FeatureTable, group: npt.NDArray[np.int64], orders: FloatArray, margin: FloatArray) -> FloatArray:
    """Return the profit expected from features, given the true groups and responses of other customers."""
    rows = np.stack(list(table.columns.values()), axis=1).astype(np.float32)
    fold = np.random.default_rng(7).integers(0, 3, len(rows))
    chance, dogs = np.zeros((len(rows), len(GROUPS))), np.zeros(len(rows))
    common = {"max_depth": 4, "learning_rate": 0.1, "min_child_weight": 20, "reg_lambda": 5, "nthread": 1}
    for number in range(3):
        out = fold == number
        new = xgb.DMatrix(rows[out])
        several = {"objective": "multi:softprob", "num_class": len(GROUPS)}
        chance[out] = xgb.train(common | several, xgb.QuantileDMatrix(rows[~out], group[~out]), 60).predict(new)
        dog = ~out & (group == DOG)
        count = {"objective": "count:poisson"}
        dogs[out] = xgb.train(common | count, xgb.QuantileDMatrix(rows[dog], orders[dog]), 60).predict(new)
    spend = np.maximum(table.columns["mean_purchase_day_cents"], 0.0)
    order_margin = spend * float(margin[margin > 0].sum() / spend[margin > 0].sum())
    return (LIFT @ chance.T - HARM[:, None] * (chance[:, DOG] * dogs)) * order_margin - COST[:, None]


def best(ranks: FloatArray, budget: float, money: FloatArray) -> float:
    """Return the true result of one action for the highest ranks; the action is the best one in truth."""
    order = np.argsort(-ranks, kind="stable")
    return max(float(money[at][order[: int(budget // cost)]].sum()) for at, cost in enumerate(COST))


def spent(table: FeatureTable, profit: FloatArray, budget: float, money: FloatArray) -> float:
    """Return the true result of a plan by expected profits."""
    cost = np.broadcast_to(COST[:, None], profit.shape).copy()
    problem = Problem(np.maximum(profit, 0.0), cost, budget, np.zeros((0, len(COST)), dtype=bool), np.zeros(0))
    solution = allocate(problem, customer_draws(table.customer_ids, "benchmark"), NAMES)
    return float(money[solution.chosen].sum())


def learnt_effects(lake: Path, folder: Path) -> tuple[Uplift, str]:
    """Learn effects like `regulars uplift`; return them, and a text with the numbers of customers and the time."""
    began = perf_counter()
    with connect("4GB", 2) as connection:
        learnt = learn(connection, lake, SQL, horizon_days=HORIZON, out=folder)
    metrics = learnt.bundle.manifest.metrics
    arms = "; ".join(
        f"{name} {action['learner']}, {action['treated']:,} + {action['control']:,}" for name, action in metrics.items()
    )
    return learnt, f"{arms} (treated + control); {perf_counter() - began:.0f} s"


def expected(learnt: Uplift, table: FeatureTable, share: float) -> tuple[FloatArray, FloatArray]:
    """Return each action's expected profit for each customer, and the lower end of its 80 % interval."""
    effects = [learnt[name].of(table.columns, len(table)) for name in NAMES]
    likely, low = (
        np.stack([getattr(effect, end) for effect in effects]) * share - COST[:, None] for end in ("likely", "low")
    )
    return likely, low


def compare(seed: int, folder: Path, large: int | None) -> Table:
    """Simulate, learn, plan, and return the table of one world."""
    lake = folder / "lake"
    simulate(lake, customers=CUSTOMERS, years=3, seed=seed)
    learnt, summary = learnt_effects(lake, folder / "effects")
    with connect("4GB", 2) as connection:
        attach(connection, lake)
        make_features_learning(connection, SQL, parse_as_of(END))
        table = FeatureTable.read(connection)
    money, group, orders, margin = truth(lake, table)
    share = float(margin[margin > 0].sum() / table.columns["mean_purchase_day_cents"][margin > 0].sum())
    likely, low = expected(learnt, table, share)
    plans = {
        "oracle": money,
        "reach of the features": reach(table, group, orders, margin),
        "learnt effects": likely,
        "learnt effects, low end pays": low,
    }
    captions = [f"learnt from {summary}"]
    if large:
        simulate(folder / "large", customers=large, years=3, seed=seed)
        more, summary = learnt_effects(folder / "large", folder / "more")
        plans[f"learnt effects, a shop of {large:,}"] = expected(more, table, share)[0]
        captions.append(f"a shop of {large:,}: learnt from {summary}")
    churn = p_no_order(learnt.constants.process, Purchases.from_table(table), HORIZON)
    value = table.columns["spend_365d_cents"]
    policies = {
        "top churn risk": churn,
        "top value": value,
        "high risk x value": churn * value,
        "random": np.random.default_rng(seed).random(len(table)),
    }
    table_of_plans = Table(
        "plan",
        *(f"{budget:,}" for budget in BUDGETS),
        title=f"seed {seed}: EUR within {HORIZON} days, by budget (% of oracle / % of reach)",
        caption="\n".join(captions),
    )
    results = {
        name: np.array([spent(table, profit, 100.0 * budget, money) for budget in BUDGETS]) / 100
        for name, profit in plans.items()
    }
    results |= {
        f"{name}, best action": np.array([best(ranks, 100.0 * budget, money) for budget in BUDGETS]) / 100
        for name, ranks in policies.items()
    }
    most, within = results["oracle"], results["reach of the features"]
    for name, sums in results.items():
        shares = zip(sums, sums / most, sums / within, strict=True)
        table_of_plans.add_row(
            name, *(f"{euros:,.0f} ({of_most:.0%} / {of_reach:.0%})" for euros, of_most, of_reach in shares)
        )
    return table_of_plans


def main() -> None:
    """Print a table for each seed."""
    parser = argparse.ArgumentParser(description="Plans by learnt effects against the truth of a simulated world.")
    parser.add_argument("seeds", nargs="*", type=int, default=[11])
    parser.add_argument("--large", type=int, help="also learn from a shop with this many customers")
    options = parser.parse_args()
    for seed in options.seeds:
        with TemporaryDirectory() as folder:
            Console(width=150).print(compare(seed, Path(folder), options.large))


if __name__ == "__main__":
    main()
