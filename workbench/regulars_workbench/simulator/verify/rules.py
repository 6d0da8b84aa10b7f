"""Measures of single orders of a simulated lake: returns, discounts, and rules that no row may break."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from regulars_workbench.simulator.verify.measures import SIGMAS, Measure
from regulars_workbench.simulator.verify.simulated_lake import SimulatedLake

BACK = "(from orders where is_return) as r left join sales on rtrim(r.order_id, 'R') = sales.order_id"
RULES = {
    "orders before sign-up": "from sales join customers using (customer_id) where ordered_at < signed_up_at",
    "orders after leaving": "from sales join true_customers using (customer_id) where ordered_at > true_left_at",
    "returns without an order": f"from {BACK} where sales.order_id is null or r.ordered_at < sales.ordered_at",
    "customers not adding up": "from true_customers left join "
    "(select customer_id, count(*) as n, sum(order_value_cents) as cents from sales group by 1) using (customer_id) "
    "where true_orders <> coalesce(n, 0) or true_value_cents <> coalesce(cents, 0)",
}


def goods(lake: SimulatedLake) -> Iterator[Measure]:
    """Measure returns and discounts."""
    shop = lake.world.shop
    [[orders], [discounted]] = lake.columns("select count(*), count(*) filter (where discount_cents > 0) from sales")
    # Only orders that had enough time to be returned.
    cut = datetime.combine(lake.world.end, datetime.min.time()) - timedelta(days=6 * shop.return_days)
    [[early]] = lake.columns("select count(*) from sales where ordered_at < $cut", cut=cut)
    [[back]] = lake.columns(f"select count(*) from {BACK} where sales.ordered_at < $cut", cut=cut)
    error = SIGMAS * np.sqrt(shop.returned / max(early, 1))
    yield Measure("share of orders returned", shop.returned, back / max(early, 1), 0.02 * shop.returned + error)
    # Orders of one customer share a price sensitivity, so the error depends on the number of customers.
    error = 0.005 + SIGMAS * shop.discounted / np.sqrt(len(lake.people))
    yield Measure("share with a discount", shop.discounted, discounted / max(orders, 1), error)


def broken(lake: SimulatedLake) -> Iterator[Measure]:
    """Count the rows that break a rule of the world."""
    for name, query in RULES.items():
        [[rows]] = lake.columns(f"select count(*) {query}")
        yield Measure(name, 0, float(rows), 0)
