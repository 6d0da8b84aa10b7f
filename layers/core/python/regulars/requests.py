"""A scoring request: its contract, customer by customer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
)

from regulars.errors import HistoryError
from regulars.features import parse_as_of
from regulars.schema import EVENT_KINDS

MANY, NAME = 5, 80
"""How many wrong fields are named, and how much of a name is repeated."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Money = Annotated[FiniteFloat, Field(ge=-1e10, le=1e10)]


def _instant(value: object) -> datetime:
    """Read ISO 8601 only: pydantic alone would take 20240301, with or without quotes, for seconds since 1970."""
    if not isinstance(value, str):
        raise ValueError("an instant is text, like 2026-06-30 or 2026-06-30T00:00:00Z")  # noqa: TRY004 - pydantic's way
    try:
        return parse_as_of(value)
    except HistoryError as error:
        raise ValueError("no instant between 1970 and 2199; write it like 2026-06-30T00:00:00Z") from error


UtcInstant = Annotated[datetime, BeforeValidator(_instant)]
Instant = Annotated[UtcInstant, AfterValidator(lambda moment: moment.replace(tzinfo=None))]
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
    kind: Text = Field(description=f"{', '.join(EVENT_KINDS)}; others are not read")


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
    said = [_wrong(".".join(str(part)[:NAME] for part in error["loc"]), error["msg"]) for error in errors]
    more = f"; and {len(said) - MANY} more" if len(said) > MANY else ""
    return "; ".join(said[:MANY]) + more


def _wrong(field: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    lowered = message[:1].lower() + message[1:] if message[1:2].islower() else message
    return f"{field}: {lowered}" if field else lowered
