"""The contract of a request's customers: their history, or ready features; and of a rejected customer."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import TypedDict

from regulars.data.schema import EVENT_KINDS
from regulars.errors import HistoryError
from regulars.instants import parse_as_of

ISO = r"^(19[7-9]|2[01]\d)\d-\d\d-\d\d([T ]|$)"
"""The beginning of an instant: a year from 1970 to 2199, month and day, then the time or the end."""
NO_INSTANT = "no instant between 1970 and 2199; write it like 2026-06-30T00:00:00Z"
INSTANT_SCHEMA: JsonSchemaValue = {"type": "string", "pattern": ISO}

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e10, le=1e10)]
Cost = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1e12)]
Flag = Annotated[bool, Field(strict=True)]


def _utc(value: object) -> datetime:
    """Parse ISO 8601 only: pydantic alone reads 20240301, with or without quotes, as seconds since 1970."""
    if not isinstance(value, str) or not re.match(ISO, value):
        raise ValueError(NO_INSTANT)
    try:
        return parse_as_of(value)
    except HistoryError as error:
        raise ValueError(NO_INSTANT) from error


UtcInstant = Annotated[datetime, BeforeValidator(_utc), WithJsonSchema(INSTANT_SCHEMA)]


class _Iso:
    """The same check for a history's instants, without a Python call for each; offsets are kept."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        text, moment = core_schema.str_schema(pattern=ISO), core_schema.datetime_schema()
        chain = core_schema.chain_schema([text, moment])
        return core_schema.custom_error_schema(chain, "instant", custom_error_message=NO_INSTANT)

    def __get_pydantic_json_schema__(self, _: core_schema.CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(INSTANT_SCHEMA)


Instant = Annotated[datetime, _Iso()]


def _field(description: str, example: object, **limits: Any) -> Any:  # noqa: ANN401 - pydantic's own type
    return Field(description=description, examples=[example], **limits)


class Order(TypedDict):
    """One order, or one line of an order; money in the currency's major unit."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc] # pydantic's way to configure a TypedDict

    ordered_at: Annotated[Instant, _field("ISO 8601; UTC unless it has an offset", "2026-03-02T10:00:00Z")]
    order_value: Annotated[Number, _field("major units of the currency; negative for a return", 42.5)]
    order_id: NotRequired[Annotated[Text | None, _field("lines with the same id are one order", "A-1001")]]
    quantity: NotRequired[Annotated[Number | None, _field("pieces", 2)]]
    discount: NotRequired[Annotated[Number | None, _field("major units deducted from the price", 5.0)]]
    margin: NotRequired[Annotated[Number | None, _field("margin of the order in major units", 17.2)]]
    is_return: NotRequired[Annotated[Flag | None, _field("whether goods were returned", example=False)]]


class Event(TypedDict):
    """One event."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc] # pydantic's way to configure a TypedDict

    occurred_at: Annotated[Instant, _field("ISO 8601; UTC unless it has an offset", "2026-05-01T08:00:00Z")]
    kind: Annotated[Text, _field(f"{', '.join(EVENT_KINDS)}; other kinds are ignored", "email_open")]


CustomerId = Annotated[Text, _field("the caller's own id, returned unchanged", "C1")]


class Customer(BaseModel):
    """One customer with a history, from which features are made; rows at or after as_of are ignored."""

    model_config = ConfigDict(extra="forbid", title="CustomerHistory")

    customer_id: CustomerId
    signed_up_at: Annotated[Instant | None, _field("ISO 8601; UTC unless it has an offset", "2024-02-01")] = None
    acquisition_channel: Annotated[Text | None, _field("part of the data contract; no model reads it", "search")] = None
    acquisition_cost: Annotated[Cost | None, _field("cost of acquiring the customer, in major units", 18.0)] = None
    orders: list[Order] = Field(min_length=1, description="at least one before as_of that is not a return")
    events: list[Event] = Field(default=[], description="mails, visits and support tickets, if known")

    @property
    def rows(self) -> int:
        """The number of orders and events."""
        return len(self.orders) + len(self.events)


class ReadyCustomer(BaseModel):
    """One customer with ready features: every column that the models read, as described in docs/features.md."""

    model_config = ConfigDict(extra="forbid", title="CustomerFeatures")

    customer_id: CustomerId
    features: dict[str, Annotated[float, Field(strict=True)] | None] = Field(
        description="value by column, in the column's own unit (money in minor units); null where the column allows it",
        examples=[{"recency_days": 120.0, "order_count": 2, "spend_cents": 16140, "gap_mean_days": None}],
    )


AnyCustomer = Customer | ReadyCustomer
Cause = Literal["invalid", "duplicate", "too_large", "no_order", "no_answer"]


class Rejected(BaseModel):
    """A customer that was not scored."""

    index: int = _field("position in the request's customers, from 0", 3, ge=0)
    cause: Cause = _field("kind of error", "no_order")
    reason: str = _field("the wrong fields, and what is wrong", "orders: none that is not a return before as_of")
