"""A scoring request: its contract, customer by customer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NotRequired

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import TypedDict

from regulars.errors import HistoryError
from regulars.features import parse_as_of
from regulars.schema import EVENT_KINDS

MANY, NAME = 5, 80
"""How many wrong fields are named, and how much of a name is repeated."""

ISO = r"^(19[7-9]|2[01]\d)\d-\d\d-\d\d([T ]|$)"
"""How an instant begins: a year from 1970 to 2199, a month, a day, and then the time or the end."""
NO_INSTANT = "no instant between 1970 and 2199; write it like 2026-06-30T00:00:00Z"

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Money = Annotated[FiniteFloat, Field(ge=-1e10, le=1e10)]


def _utc(value: object) -> datetime:
    """Read ISO 8601 only: pydantic alone would take 20240301, with or without quotes, for seconds since 1970."""
    if not isinstance(value, str):
        raise ValueError(NO_INSTANT)  # noqa: TRY004 - pydantic's way
    try:
        return parse_as_of(value)
    except HistoryError as error:
        raise ValueError(NO_INSTANT) from error


UtcInstant = Annotated[datetime, BeforeValidator(_utc)]


class _Iso:
    """The same for a history's many instants, without a call of Python for each; their offsets stay as said."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        text, moment = core_schema.str_schema(pattern=ISO), core_schema.datetime_schema()
        chain = core_schema.chain_schema([text, moment])
        return core_schema.custom_error_schema(chain, "instant", custom_error_message=NO_INSTANT)

    def __get_pydantic_json_schema__(self, _: core_schema.CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time", "pattern": ISO}


Instant = Annotated[datetime, _Iso()]


class Order(TypedDict):
    """One order; money in the currency's major unit."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc] # pydantic's way to configure a TypedDict

    ordered_at: Instant
    order_value: Annotated[Money, Field(description="negative for a return")]
    order_id: NotRequired[Text | None]
    quantity: NotRequired[FiniteFloat | None]
    discount: NotRequired[Money | None]
    margin: NotRequired[Money | None]
    is_return: NotRequired[bool | None]


class Event(TypedDict):
    """One event."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc] # pydantic's way to configure a TypedDict

    occurred_at: Instant
    kind: Annotated[Text, Field(description=f"{', '.join(EVENT_KINDS)}; others are not read")]


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
