"""The tables of the folder `truth/` for a block of customers. Every column except the keys begins with `true_`."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from regulars_workbench.simulator.clock import Clock, Floats, Ints
from regulars_workbench.simulator.draw.orders import Orders
from regulars_workbench.simulator.draw.people import People
from regulars_workbench.simulator.draw.treatments import ACTIONS, DOG, GROUPS, LOST, groups, mean_margin, mean_value
from regulars_workbench.simulator.rows import pick
from regulars_workbench.simulator.shop import Shop
from regulars_workbench.simulator.truth import oracle


def customers(clock: Clock, block: People, drawn: Orders) -> pl.DataFrame:
    """Return hidden traits, the instant of leaving (perhaps after the log), and sums of the log without returns."""
    left = np.minimum(block.leaves, clock.days + 36_525)  # a century later stands for never
    return pl.DataFrame(
        {
            "customer_id": "C" + block.ids,
            "true_left_at": clock.stamps(clock.whole(left)),
            "true_fade_days": block.fade,
            "true_engagement": block.engagement,
            "true_rate": block.rate,
            "true_hazard": block.hazard,
            "true_spend_cents": block.spend,
            "true_trouble": block.trouble,
            "true_price_sensitivity": block.price_sensitivity,
            "true_patience": block.patience,
            "true_orders": np.bincount(drawn.who, minlength=len(block)),
            "true_value_cents": np.bincount(drawn.who, drawn.value, len(block)).astype(np.int64),
        }
    )


def alive(clock: Clock, block: People) -> pl.DataFrame:
    """Return one column for each month, `true_alive_2024_01`: still a customer at its end? Null before sign-up."""
    columns = {}
    for month, end in month_ends(clock):
        here = pl.Series(block.leaves > end)
        columns[f"true_alive_{month:%Y_%m}"] = here.set(pl.Series(block.joined >= end), None)
    return pl.DataFrame({"customer_id": "C" + block.ids, **columns})


def month_ends(clock: Clock) -> list[tuple[date, int]]:
    """List the months that end inside the world: the first day of each, and its end in days since the start."""
    days = [clock.start + timedelta(days=day) for day in range(int(clock.days) + 1)]
    firsts = [day for day in days if day.day == 1]
    before = (firsts[0] - timedelta(days=1)).replace(day=1) if firsts else clock.start
    return [(first, (end - clock.start).days) for first, end in pairwise([before, *firsts]) if end > clock.start]


def value(shop: Shop, clock: Clock, ahead: Clock, block: People, drawn: Orders) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return two tables of what to expect after the end of the log: without any action, and by action.

    The first has expected orders, expected value and P(no order) for each horizon in days. The second has a row for
    each customer and action: the group, the orders and the value that the action adds in expectation within the longest
    horizon (negative for sleeping dogs), and the added margin less the action's cost.
    """
    forecast = oracle.forecast(shop, ahead, block, clock.days, waited(clock, block, drawn.who, drawn.seconds))
    worth = mean_value(shop, block)
    columns: dict[str, Floats | pl.Series] = {"customer_id": "C" + block.ids}
    for horizon in oracle.HORIZONS:
        columns[f"true_orders_{horizon}d"] = forecast.orders[horizon]
        columns[f"true_value_{horizon}d_cents"] = forecast.orders[horizon] * worth
        columns[f"true_no_order_{horizon}d"] = forecast.p_no_order[horizon]
    return pl.DataFrame(columns), _responses(shop, clock, block, forecast.orders[oracle.HORIZONS[-1]])


def waited(clock: Clock, block: People, who: Ints, seconds: Ints) -> Floats:
    """Return the shopping days from each customer's last order (sign-up if none) to the end; `who` is sorted."""
    last = block.joined.copy()
    last[who] = seconds / 86_400  # of several rows of a customer, the last assignment remains
    whole = np.array([clock.days])
    return clock.shopping(whole) - clock.shopping(last)


def _responses(shop: Shop, clock: Clock, block: People, expected: Floats) -> pl.DataFrame:
    """Return a row for each customer and action. Arrays have the shape (customers, actions)."""
    group = np.where(block.leaves > clock.days, groups(block), LOST)
    lift = np.array([action.lift for action in ACTIONS.values()]).T[group] * (block.leaves > clock.days)[:, None]
    harm = np.array([action.harm for action in ACTIONS.values()]) * (group == DOG)[:, None]
    orders = lift - harm * expected[:, None]
    margin = orders * mean_margin(shop, block)[:, None] - np.array([action.cost for action in ACTIONS.values()])
    who = np.repeat(np.arange(len(block), dtype=np.uint32), len(ACTIONS))
    return pl.DataFrame(
        {
            "customer_id": pick("C" + block.ids, who),
            "action": pick(pl.Series(list(ACTIONS)), np.tile(np.arange(len(ACTIONS), dtype=np.uint32), len(block))),
            "true_group": pick(pl.Series(GROUPS), group[who]),
            "true_orders": orders.ravel(),
            "true_value_cents": (orders * mean_value(shop, block)[:, None]).ravel(),
            "true_net_margin_cents": margin.ravel(),
        }
    )
