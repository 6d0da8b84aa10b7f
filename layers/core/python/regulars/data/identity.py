"""Customer ids that are no customer's: names for nobody, and a till's own number."""

from dataclasses import dataclass

import duckdb

from regulars.data.sql import literal

NOBODY = frozenset(
    (
        "", "-", "--", "?", ".", "0", "-1", "n/a", "na", "nan", "nil", "none", "null", "undefined", "unknown",
        "unbekannt", "anonymous", "anonym", "anon", "guest",
        "gast", "guest customer", "walk-in", "walk in", "walkin", "cash",
        "bar", "walk-in customer", "cash customer", "barverkauf", "laufkunde", "no customer", "not set", "(not set)",
        "(blank)", "blank", "default", "default customer", "customer",
        "dummy", "test", "test customer", "tbd", "inconnu",
        "invitado", "ospite",
    )
)  # fmt: skip
"""What programs and people write where they know no customer, in lower case."""

ORDERS_A_DAY, DAYS = 3, 30
"""So many orders a day on average, over so many days with orders: no person shops like that, a till does."""

QUERY = """
with
    busy as (
        select customer_id
        from {orders}
        where not is_return
        group by customer_id
        having
            count(*) >= {most}
            or lower(trim(customer_id)) in ({nobody})
            or regexp_full_match(customer_id, '0000+|9999+|x{{3,}}|-+|#+|[*]+', 'i')
    ),

    days as (
        select
            customer_id,
            count(*) as orders,
            count(distinct cast(ordered_at as date)) as days,
            cast(sum(order_value_cents) as bigint) as cents
        from {orders}
        where not is_return and customer_id in (select customer_id from busy)
        group by customer_id
    )

select customer_id, orders, cents, orders / days as rate
from days
where
    lower(trim(customer_id)) in ({nobody})
    or regexp_full_match(customer_id, '0000+|9999+|x{{3,}}|-+|#+|[*]+', 'i')
    or (days >= {days} and orders >= {rate} * days)
order by cents desc, customer_id
"""


@dataclass(frozen=True)
class Placeholder:
    """An id that stands for no customer: its orders and what they are worth, in minor units."""

    customer_id: str
    orders: int
    cents: int


def placeholders(connection: duckdb.DuckDBPyConnection, orders: str) -> list[Placeholder]:
    """Return the ids of a relation of orders that are nobody's, by name or by behaviour, the most revenue first."""
    query = QUERY.format(
        orders=orders,
        most=ORDERS_A_DAY * DAYS,
        days=DAYS,
        rate=ORDERS_A_DAY,
        nobody=", ".join(map(literal, sorted(NOBODY))),
    )
    return [
        Placeholder(str(who), int(count), int(cents)) for who, count, cents, _ in connection.execute(query).fetchall()
    ]
