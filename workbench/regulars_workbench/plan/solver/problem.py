"""The allocation problem: at most k actions a customer, a budget, and capacities.

A multiple-choice knapsack with several constraints (Kellerer, Pferschy, Pisinger 2004, Knapsack Problems, ch. 9, 11):

    maximise  sum profit[a, i] x[a, i]   over x in {0, 1}
    with      sum cost[a, i] x[a, i] <= budget,   sum over i, a in mask[r] of x[a, i] <= capacity[r],
              sum over a of x[a, i] <= k   for each customer i
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Problem:
    """An allocation problem. `profit` and `cost` have the shape (actions, customers), in minor units.

    A profit <= 0 means that the action is not offered.
    """

    profit: Floats
    cost: Floats
    budget: float
    mask: Flags
    """Shape (constraints, actions): the actions that each capacity counts."""
    capacity: Floats
    """Shape (constraints,): largest number of customers."""
    per_customer: int = 1

    @cached_property
    def limits(self) -> Floats:
        """The budget, then the capacities."""
        return np.concatenate(([self.budget], self.capacity))

    def used(self, chosen: Flags) -> Floats:
        """Return how much of each limit a choice of shape (actions, customers) uses."""
        counts = np.count_nonzero(chosen, axis=1)
        spent = sum(float(self.cost[a][chosen[a]].sum()) for a in range(len(chosen)))
        return np.concatenate(([spent], self.mask @ counts))

    def brought(self, chosen: Flags) -> float:
        """Return the profit of a choice."""
        return sum(float(self.profit[a][chosen[a]].sum()) for a in range(len(chosen)))

    def part(self, customers: npt.NDArray[np.int64], share: float) -> "Problem":
        """Return the problem of some customers, with a share of every limit."""
        return replace(
            self,
            profit=self.profit[:, customers],
            cost=self.cost[:, customers],
            budget=self.budget * share,
            capacity=self.capacity * share,
        )


@dataclass(frozen=True)
class Solution:
    """An allocation: `chosen` of shape (actions, customers), and a proof of its quality.

    No choice has a profit above `bound`. `prices` are shadow prices, the extra profit of one more unit of each limit:
    per minor unit of budget, then per customer of each capacity.
    """

    chosen: Flags
    profit: float
    bound: float
    prices: Floats
    method: str

    @property
    def gap(self) -> float:
        """Upper bound of the distance to the best profit, as a share of it."""
        return max(self.bound - self.profit, 0.0) / self.bound if self.bound > 0 else 0.0
