"""The report of a check: the JSON document, from which the tables are printed."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

FORMAT = 1
"""Raised when a field changes its meaning or is removed. New fields do not raise it."""

Severity = Literal["error", "warning", "note"]


class Part(BaseModel):
    """Base of all parts of a report: immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TableFacts(Part):
    """One table of the lake. `missing` has the share of `rows` without a value, by column; instants are UTC."""

    rows: int
    customers: int
    first: datetime | None
    last: datetime | None
    missing: dict[str, float]
    files: int
    bytes: int


class OrderFacts(Part):
    """All orders. `value_cents` is the value of orders without returns, in minor units."""

    orders: int
    returns: int
    return_share: float
    value_cents: int
    orders_per_customer: float
    one_order_share: float


class Finding(Part):
    """Something odd: how many, one or two examples by id, why it matters, and what to do.

    `share` is the share of the rows or customers that were examined; null where that number is unknown.
    """

    name: str
    severity: Severity
    table: str
    what: str
    count: int
    share: float | None = None
    examples: list[str]
    why: str
    next_step: str


class Cutoff(Part):
    """A cutoff of training: customers who ordered before it, and how many of them ordered again in the label period."""

    at: datetime
    label_days: int
    customers: int
    stayed: int
    enough: bool


class History(Part):
    """Whether the history is enough to train. `supported_days` is the longest horizon it supports; null for none."""

    first_order: datetime | None = None
    last_order: datetime | None = None
    span_days: int = 0
    horizon_days: int
    sufficient: bool
    supported_days: int | None = None
    season: bool = False
    cutoffs: list[Cutoff] = []
    reasons: list[str] = []
    notes: list[str] = []


class ChurnHorizon(Part):
    """Days until most repeat buyers have returned.

    `suggested_days` is the 90th percentile of repeat buyers, by the Kaplan-Meier estimate; `percentiles` has others.
    `uncorrected_days` is the same from completed gaps only, which is biased short. The curve ends at `watched_days`,
    when `gone_share` of all customers had not returned. `returned_by_horizon` is the share of repeat buyers who
    returned within the horizon asked for.
    """

    customers: int = 0
    came_back: int = 0
    percentile: int
    suggested_days: int | None = None
    uncorrected_days: int | None = None
    percentiles: dict[str, int] = {}
    watched_days: int = 0
    gone_share: float | None = None
    returned_by_horizon: float | None = None
    reading: str


class CheckReport(Part):
    """The whole report. `passed`: the history is enough, and no finding is an error."""

    format: int = FORMAT
    lake: str
    currency: str
    minor_units: int
    as_of: datetime | None
    as_of_is_given: bool
    tables: dict[str, TableFacts]
    orders: OrderFacts
    findings: list[Finding]
    history: History
    churn_horizon: ChurnHorizon
    passed: bool
