"""The data contract: the tables and columns of the user's files and of the lake."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One contract column.

    `kind` is the kind of the user's values: text, time, money, number or flag. In the lake, money is a BIGINT in the
    currency's minor units, time a UTC TIMESTAMP, a flag a BOOLEAN, a number a DOUBLE.
    """

    name: str
    kind: str
    needed: bool = False

    @property
    def lake_name(self) -> str:
        """The column's name in the lake: of money with its unit, as in `order_value_cents`."""
        return f"{self.name}_cents" if self.kind == "money" else self.name

    @property
    def lake_type(self) -> str:
        """The column's DuckDB type in the lake."""
        return {"text": "VARCHAR", "time": "TIMESTAMP", "money": "BIGINT", "number": "DOUBLE", "flag": "BOOLEAN"}[
            self.kind
        ]


@dataclass(frozen=True)
class Table:
    """One contract table: its columns in order, and the name of its time column."""

    name: str
    columns: tuple[Column, ...]
    time: str

    def __getitem__(self, name: str) -> Column:
        """Return the column called `name` in the contract; KeyError when there is none."""
        return next(column for column in self.columns if column.name == name)


ORDERS = Table(
    "orders",
    (
        Column("customer_id", "text", needed=True),
        Column("order_id", "text"),
        Column("ordered_at", "time", needed=True),
        Column("order_value", "money", needed=True),
        Column("is_return", "flag"),
        Column("quantity", "number"),
        Column("discount", "money"),
        Column("margin", "money"),
    ),
    time="ordered_at",
)
CUSTOMERS = Table(
    "customers",
    (
        Column("customer_id", "text", needed=True),
        Column("signed_up_at", "time"),
        Column("acquisition_channel", "text"),
        Column("acquisition_cost", "money"),
    ),
    time="signed_up_at",
)
EVENTS = Table(
    "events",
    (
        Column("customer_id", "text", needed=True),
        Column("occurred_at", "time", needed=True),
        Column("kind", "text", needed=True),
    ),
    time="occurred_at",
)
TREATMENTS = Table(
    "treatments",
    (
        Column("customer_id", "text", needed=True),
        Column("treated_at", "time", needed=True),
        Column("action", "text", needed=True),
        Column("arm", "text", needed=True),
        Column("cost", "money"),
    ),
    time="treated_at",
)
TABLES: dict[str, Table] = {table.name: table for table in (ORDERS, CUSTOMERS, EVENTS, TREATMENTS)}

FEATURED = ("orders", "customers", "events")
"""The tables that features, and so scores, are made from."""

EVENT_KINDS = ("email_sent", "email_open", "email_click", "site_visit", "support_ticket", "support_resolved")
"""The kinds of events that features read; the lake keeps other kinds too."""

MINOR_UNITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "XAF"), 0),
    **dict.fromkeys(("XOF", "XPF", "VUV", "UYI"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Decimal places of the currencies that do not have two (ISO 4217, list one)."""


NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": used when the user names none."""


def minor_units(currency: str) -> int:
    """Return the decimal places of `currency` (ISO 4217 code): 2 unless listed."""
    return MINOR_UNITS.get(currency, 2)
