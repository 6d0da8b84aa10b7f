"""Check a request: parse its JSON, and split its customers into good and rejected ones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict

from regulars.api.contract.customers import AnyCustomer, Cause, Customer, ReadyCustomer, Rejected, UtcInstant
from regulars.errors import LimitError, NotJsonError, RequestError
from regulars.settings import settings

MANY = 5
"""The most wrong fields that an error names."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Field names that errors may repeat; any other name could be a customer's data in the wrong place."""


@dataclass(frozen=True)
class Checked:
    """A request's customers: good ones by their index, and rejected ones."""

    good: dict[int, AnyCustomer]
    rejected: list[Rejected]

    def reject(self, index: int, cause: Cause, reason: str) -> None:
        """Move a customer from the good to the rejected ones."""
        self.good.pop(index, None)
        self.rejected.append(Rejected(index=index, cause=cause, reason=reason))


class _Request(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc] # pydantic's way to configure a TypedDict

    as_of: UtcInstant
    customers: Annotated[list[Any], Field(min_length=1)]


class _Histories(_Request):
    customers: Annotated[list[Customer], Field(min_length=1)]  # the same, checked in one pass


REQUEST, HISTORIES = TypeAdapter(_Request), TypeAdapter(_Histories)


def read(body: bytes) -> tuple[datetime, Checked]:
    """Parse a request's JSON; return its `as_of` and its customers, each checked on its own.

    NotJsonError, LimitError, RequestError: the request as a whole cannot be used.
    """
    if b'"features"' not in body:
        try:
            histories = HISTORIES.validate_json(body)
        except ValidationError:
            pass  # each customer is checked alone below
        else:
            _refuse_too_many(histories["customers"])
            return histories["as_of"], _within_limits(Checked(dict(enumerate(histories["customers"])), []))
    try:
        request = REQUEST.validate_python(from_json(body))
    except ValidationError as error:
        raise RequestError(describe(error.errors(include_input=False, include_url=False))) from error
    except ValueError as error:  # the parser's message has the place and what it expected
        raise NotJsonError(f"the body is not JSON: {error}") from error
    return request["as_of"], check(request["customers"])


def check(raw: Sequence[Any]) -> Checked:
    """Split a request's customers into good and rejected ones. LimitError: too many customers or rows."""
    _refuse_too_many(raw)
    checked = Checked({}, [])
    for index, item in enumerate(raw):
        contract = ReadyCustomer if isinstance(item, dict) and "features" in item else Customer
        try:
            checked.good[index] = contract.model_validate(item)
        except ValidationError as error:
            checked.reject(index, "invalid", describe(error.errors(include_input=False, include_url=False)))
    return _within_limits(checked)


def _refuse_too_many(customers: Sequence[Any]) -> None:
    limit = settings().max_customers
    if len(customers) > limit:
        message = f"customers: {len(customers)} in one request, the limit is {limit}; send fewer, or use batch"
        raise LimitError(message, "max_customers", limit)


def _within_limits(checked: Checked) -> Checked:
    """Reject customers with too many rows or a repeated id. LimitError: too many rows in the request."""
    first: dict[str, int] = {}
    rows, most, limit = 0, settings().max_customer_rows, settings().max_rows
    for index, customer in list(checked.good.items()):
        count = customer.rows if isinstance(customer, Customer) else 0
        rows += count
        if count > most:
            reason = f"orders and events: {count} of one customer, the limit is {most}; send the latest, or use batch"
            checked.reject(index, "too_large", reason)
        elif first.setdefault(customer.customer_id, index) != index:
            reason = f"customer_id: the same as that of customer {first[customer.customer_id]} of this request"
            checked.reject(index, "duplicate", reason)
    if rows > limit:
        message = f"orders and events: {rows} in one request, the limit is {limit}; send fewer customers at once"
        raise LimitError(message, "max_rows", limit)
    return checked


def describe(errors: Sequence[Any]) -> str:
    """Return in one line which fields are wrong and why, without repeating what was sent."""
    faults = [_fault(".".join(_name(part) for part in error["loc"]), error["msg"]) for error in errors[:MANY]]
    more = f"; and {len(errors) - MANY} more" if len(errors) > MANY else ""
    return "; ".join(faults) + more


def _name(part: str | int) -> str:
    return str(part) if isinstance(part, int) or NAME.fullmatch(part) else "(a name)"


def _fault(field: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    lowered = message[:1].lower() + message[1:] if message[1:2].islower() else message
    return f"{field}: {lowered}" if field else lowered
