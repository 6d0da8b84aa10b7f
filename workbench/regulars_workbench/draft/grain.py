"""What one row is: an order, a line of one, or a line whose order's amount stands on the first line only."""

from dataclasses import dataclass

import duckdb

from regulars.ingest.report import counted
from regulars_workbench.draft.profile import HEAD

NEARLY_ALL = 0.9

QUERY = """
with orders as (
    select
        count(*) as lines,
        count({amount}) as amounts,
        count(distinct {amount}) as different
    from {head}
    where {order_id} is not null
    group by {order_id}
    having count(*) > 1
)
select
    count(*),
    count(*) filter (amounts = 1),
    count(*) filter (amounts = lines and different = 1)
from orders
"""


@dataclass(frozen=True)
class Grain:
    """A value of the map's `grain`, and why."""

    value: str
    evidence: str
    doubts: tuple[str, ...] = ()


def guess_grain(session: duckdb.DuckDBPyConnection, order_id: str, amount: str) -> Grain:
    """Look at the orders of several rows: `order_id` and `amount` are SQL over the table HEAD."""
    query = QUERY.format(order_id=order_id, amount=amount, head=HEAD)
    [(several, first_only, equal)] = session.execute(query).fetchall()
    if not several:
        return Grain("order", "no order has several rows")
    if first_only >= NEARLY_ALL * several:
        return Grain("first_line", f"{counted(several, 'order')} of several rows, with the amount on one of them only")
    if equal >= NEARLY_ALL * several:
        doubt = (
            "the same amount stands on each row of an order, so it is read as the order's total and counted once; "
            'if every line really costs the same, say grain = "line" and equal_amounts = true'
        )
        return Grain("order", f"{equal:,} of {several:,} orders of several rows repeat one amount", (doubt,))
    doubt = "the amounts of an order's rows are added up; if they are totals of the order, choose its total and grain"
    return Grain("line", f"{counted(several, 'order')} of several rows, with amounts of their own", (doubt,))
