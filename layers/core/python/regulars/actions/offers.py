"""Offers: whether each customer may get each action, and what it costs, by the catalogue's expressions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.actions.catalogue import Catalogue
from regulars.arrays import FloatArray
from regulars.errors import CatalogueError

SINCE = "days_since_treatment"
"""Column of the days since the customer's last treatment by any action; null when there was none or it is unknown."""


@dataclass(frozen=True)
class Offers:
    """Arrays of shape (actions, customers); costs are whole minor units as doubles.

    `cooling` marks customers who would be eligible, but were treated too recently.
    """

    eligible: npt.NDArray[np.bool_]
    cooling: npt.NDArray[np.bool_]
    cost: FloatArray


def offers(catalogue: Catalogue, table: Mapping[str, npt.NDArray[Any]]) -> Offers:
    """Return the offers, from the result of `Compiled.fetch`; `table` also holds `customer_id` and may hold SINCE.

    An action's cooldown excludes customers treated within that many days. Without SINCE, no cooldown applies.
    CatalogueError: a cost is null, negative or not finite for an eligible customer.
    """
    scale = 10.0**catalogue.plan.minor_units
    eligible, cooling, cost = [], [], []
    since = table.get(SINCE)
    for at, action in enumerate(catalogue.action):
        may = _unmasked(table[f"eligible_{at}"], fill=False).astype(bool)
        cools = np.zeros_like(may)
        if since is not None and action.cooldown_days:
            cools = may & (_unmasked(since, fill=np.inf) < action.cooldown_days)
        may &= ~cools
        amounts = _unmasked(table[f"cost_{at}"], fill=np.nan)
        wrong = np.flatnonzero(may & ~(np.isfinite(amounts) & (amounts >= 0)))
        if len(wrong):
            raise CatalogueError(
                f"{action.label}, cost = {action.cost!r} is {_number(amounts[wrong[0]])} for {len(wrong):,} customers, "
                f"the first of them {table['customer_id'][wrong[0]]}; a cost must be 0 or more, so change the "
                "expression, or exclude these customers in eligible"
            )
        # Rounded up to whole cents, so that sums are exact and the budget holds. 5e-7 is the noise of doubles.
        cost.append(np.where(may, np.ceil(np.nan_to_num(amounts, posinf=0, neginf=0) * scale - 5e-7), 0.0))
        eligible.append(may)
        cooling.append(cools)
    return Offers(np.array(eligible), np.array(cooling), np.array(cost))


def _unmasked(values: npt.NDArray[Any], fill: float) -> npt.NDArray[Any]:
    """Return a column of DuckDB without its mask."""
    return np.ma.filled(values.astype(float) if values.dtype != bool else values, fill)


def _number(value: float) -> str:
    return "null" if np.isnan(value) else f"{value:,.2f}"
