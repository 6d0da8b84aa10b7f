"""What a check finds: the JSON document, and what the tables for people are printed from."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

FORMAT = 1
"""Goes up when a field changes its meaning or leaves; new fields may come without."""

Severity = Literal["error", "warning", "note"]


class Part(BaseModel):
    """Anything in a report: fixed once made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TableFacts(Part):
    """One table of the lake. Shares are fractions of `rows`; instants are UTC."""

    rows: int
    customers: int
    first: datetime | None
    last: datetime | None
    missing: dict[str, float]
    files: int
    bytes: int


class OrderFacts(Part):
    """The orders as a whole: `value_cents` of orders without returns, in the currency's minor units."""

    orders: int
    returns: int
    return_share: float
    value_cents: int
    orders_per_customer: float
    one_order_share: float


class Finding(Part):
    """Something odd: how much of it, a row or two by their ids, why it matters and what to do.

    `share` is of the rows or customers that could have had it, null where there is no such number.
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
    """A moment that training would learn from: who had ordered before it, and how many of them did so again."""

    at: datetime
    label_days: int
    customers: int
    stayed: int
    enough: bool


class History(Part):
    """Whether training could do what is asked. `supported_days` is the horizon that it could, null for none."""

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
    """After how many days of silence most of those who come back have come back.

    `suggested_days` is the 90th percentile among them, Kaplan-Meier's estimate; `percentiles` has others.
    `uncorrected_days` is the same of finished gaps alone, which is too short. `watched_days` is how far the curve can
    be read, `gone_share` who was still away then, `returned_by_horizon` who of those who come back did so within the
    horizon asked.
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
    """Everything that one check says; `passed` when history suffices and no finding is an error."""

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
