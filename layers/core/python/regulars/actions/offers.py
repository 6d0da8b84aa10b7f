"""Offers: for each customer and action, whether it may be done and what it costs, by the catalogue's expressions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.actions.catalogue import Catalogue
from regulars.actions.expressions import of
from regulars.errors import CatalogueError

SINCE = "days_since_treatment"
"""Column of the days since the customer's last treatment by any action; null when there was none or nobody knows."""


@dataclass(frozen=True)
class Offers:
    """What may be offered: arrays of shape (actions, customers), costs in whole minor units as doubles.

    `cooling` is who would be eligible, but was treated too short a while ago.
    """

    eligible: npt.NDArray[np.bool_]
    cooling: npt.NDArray[np.bool_]
    cost: npt.NDArray[np.float64]


def offers(catalogue: Catalogue, table: Mapping[str, npt.NDArray[Any]]) -> Offers:
    """Read the offers out of the answer to `Compiled.query`; `table` also holds `customer_id` and may hold SINCE.

    A cooldown keeps out customers treated less than so many days ago; where nobody knows of treatments, none.
    CatalogueError when an action's cost is null, negative or not finite for a customer who may get it.
    """
    scale = 10.0**catalogue.plan.minor_units
    eligible, cooling, cost = [], [], []
    since = table.get(SINCE)
    for at, action in enumerate(catalogue.action):
        may = _plain(table[f"eligible_{at}"], fill=False).astype(bool)
        cools = np.zeros_like(may)
        if since is not None and action.cooldown_days:
            cools = may & (_plain(since, fill=np.inf) < action.cooldown_days)
        may &= ~cools
        asked = _plain(table[f"cost_{at}"], fill=np.nan)
        wrong = np.flatnonzero(may & ~(np.isfinite(asked) & (asked >= 0)))
        if len(wrong):
            first = table["customer_id"][wrong[0]]
            raise CatalogueError(
                f"{of(action)} cost = {action.cost!r} is {_number(asked[wrong[0]])} for {len(wrong):,} customers, the "
                f"first of them {first}; a cost must be 0 or more, so say what it is for them, or who is eligible"
            )
        # Up to the next whole cent, so that sums are exact and a budget holds; half a millionth of it is noise.
        cost.append(np.where(may, np.ceil(np.nan_to_num(asked, posinf=0, neginf=0) * scale - 5e-7), 0.0))
        eligible.append(may)
        cooling.append(cools)
    return Offers(np.array(eligible), np.array(cooling), np.array(cost))


def _plain(values: npt.NDArray[Any], fill: float) -> npt.NDArray[Any]:
    """Return DuckDB's answer without its mask."""
    return np.ma.filled(values.astype(float) if values.dtype != bool else values, fill)


def _number(value: float) -> str:
    return "null" if np.isnan(value) else f"{value:,.2f}"
