"""A scoring request: its contract, and its rows as relations for the SQL files."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import duckdb
import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError

from regulars.lake import view
from regulars.schema import CUSTOMERS, EVENTS, ORDERS

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Money = Annotated[FiniteFloat, Field(ge=-1e12, le=1e12)]


def _utc(moment: datetime) -> datetime:
    """An instant without an offset is UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _naive_utc(moment: datetime) -> datetime:
    return _utc(moment).replace(tzinfo=None)


UtcInstant = Annotated[datetime, AfterValidator(_utc)]
Instant = Annotated[datetime, AfterValidator(_naive_utc)]
"""An instant as the lake keeps it: UTC, and no offset said."""


class Order(BaseModel):
    """One order; money in the currency's major unit."""

    model_config = ConfigDict(extra="forbid")

    ordered_at: Instant
    order_value: Money = Field(description="negative for a return")
    order_id: Text | None = None
    quantity: FiniteFloat | None = None
    discount: Money | None = None
    margin: Money | None = None
    is_return: bool | None = None


class Event(BaseModel):
    """One event."""

    model_config = ConfigDict(extra="forbid")

    occurred_at: Instant
    kind: Text = Field(description="email_sent, email_open, email_click, site_visit, support_ticket; others are not read")


class Customer(BaseModel):
    """One customer's history; rows at or after as_of are not looked at."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Text
    signed_up_at: Instant | None = None
    acquisition_channel: Text | None = None
    acquisition_cost: Annotated[FiniteFloat, Field(ge=0, le=1e12)] | None = None
    orders: list[Order] = Field(min_length=1)
    events: list[Event] = []


class Rejected(BaseModel):
    """A customer that was not answered."""

    index: int = Field(description="position in the request's customers, from 0")
    reason: str


def validate_customers(raw: Sequence[Any]) -> tuple[dict[int, Customer], list[Rejected]]:
    """Split a request's customers into the good ones by index, and the rejected ones with the cause."""
    good: dict[int, Customer] = {}
    rejected: list[Rejected] = []
    first: dict[str, int] = {}
    for index, item in enumerate(raw):
        try:
            customer = Customer.model_validate(item)
        except ValidationError as error:
            cause = describe(error.errors(include_input=False, include_url=False))
            rejected.append(Rejected(index=index, reason=cause))
            continue
        if first.setdefault(customer.customer_id, index) == index:
            good[index] = customer
        else:
            cause = f"customer_id: the same as that of customer {first[customer.customer_id]} of this request"
            rejected.append(Rejected(index=index, reason=cause))
    return good, rejected


def describe(errors: Sequence[Any]) -> str:
    """Say in one line which fields are wrong and how, without repeating what was sent."""
    said = [f"{'.'.join(str(part) for part in error['loc'])}: {error['msg'][:1].lower()}{error['msg'][1:]}" for error in errors]
    more = f"; and {len(said) - 5} more" if len(said) > 5 else ""  # noqa: PLR2004 - enough to see the pattern
    return "; ".join(said[:5]) + more


def bind(connection: duckdb.DuckDBPyConnection, customers: Sequence[Customer], minor_units: int) -> None:
    """Create orders, customers and events from a request's rows, as columns, never row by row."""
    orders = [(c.customer_id, order) for c in customers for order in c.orders]
    events = [(c.customer_id, event) for c in customers for event in c.events]
    cents = f"cast(round({{}} * {10**minor_units}) as bigint) as {{}}_cents"
    connection.register("request_orders", _columns(Order, orders))
    money = ", ".join(cents.format(name, name) for name in ("order_value", "discount", "margin"))
    view(
        connection,
        ORDERS,
        "(select customer_id, coalesce(order_id, cast(ordered_at as varchar)) as order_id, ordered_at, quantity, "  # noqa: S608 - names
        f"coalesce(is_return, order_value < 0) as is_return, {money} from request_orders)",
    )
    connection.register("request_customers", _columns(Customer, [(c.customer_id, c) for c in customers]))
    view(
        connection,
        CUSTOMERS,
        "(select customer_id, signed_up_at, acquisition_channel, "  # noqa: S608 - names
        f"{cents.format('acquisition_cost', 'acquisition_cost')} from request_customers)",
    )
    if events:
        connection.register("request_events", _columns(Event, events))
    view(connection, EVENTS, "request_events" if events else None)


TYPES: dict[str, str] = {"ordered_at": "datetime64[us]", "occurred_at": "datetime64[us]", "signed_up_at": "datetime64[us]"}
NUMBERS = ("order_value", "quantity", "discount", "margin", "acquisition_cost")


def _columns(model: type[BaseModel], rows: Sequence[tuple[str, BaseModel]]) -> dict[str, npt.NDArray[Any]]:
    """Turn validated objects into one array per field, with the customer's id before them."""
    names = [name for name in model.model_fields if name not in ("customer_id", "orders", "events")]
    columns = {name: _array(name, [getattr(row, name) for _, row in rows]) for name in names}
    return {"customer_id": np.array([customer_id for customer_id, _ in rows], dtype=object), **columns}


def _array(name: str, values: list[Any]) -> npt.NDArray[Any]:
    if name in NUMBERS:
        missing = np.array([value is None for value in values])
        return np.ma.masked_array(np.array([value or 0.0 for value in values], dtype=np.float64), missing)
    return np.array(values, dtype=TYPES.get(name, object))
