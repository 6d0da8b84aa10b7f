"""What an ingest tells its user: rows by file and reason, the history's size, and whether it is enough to train on."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

MIN_CUSTOMERS, MIN_REPEATERS, MIN_HORIZON_DAYS = 100, 10, 7
"""The first two are advice, from a whole history. Training, which knows its cutoffs, refuses later: it counts who had
ordered before the earliest of them. The third is its own: labels shorter than a week would learn weekdays."""


def counted(number: int, noun: str) -> str:
    """Count in words that agree: `1 order`, `2 orders`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class FileReport(BaseModel):
    """One source file as one table: `rows_read = rows_kept + sum(rejected.values())`, always."""

    model_config = ConfigDict(frozen=True)

    table: str
    file: str
    rows_read: int
    rows_kept: int
    rejected: dict[str, int]


class Verdict(BaseModel):
    """Whether the history carries a model: a third of its span is the longest horizon to learn and to prove."""

    model_config = ConfigDict(frozen=True)

    trainable: bool
    span_days: int
    horizon_days: int
    customers: int
    repeat_rate: float
    reason: str


class IngestReport(BaseModel):
    """Everything about one ingest; also LAKE/ingest_report.json."""

    model_config = ConfigDict(frozen=True)

    currency: str
    recognised: str | None = None
    """The known export that the files were, without a map."""

    map: str | None = None
    """The map of that export, to be changed."""

    files: list[FileReport]
    tables: dict[str, int]
    rows_read: int
    rows_kept: int
    rows_rejected: int
    rejected: dict[str, int]
    orders: int
    returns: int
    customers: int
    first_order: datetime
    last_order: datetime
    verdict: Verdict
    warnings: list[str]


def judge(span_days: int, customers: int, repeaters: int) -> Verdict:
    """Say whether a history of `span_days` with so many customers, `repeaters` of them with two orders, can train."""
    horizon = span_days // 3
    lacks = []
    if customers < MIN_CUSTOMERS:
        lacks.append(f"{counted(customers, 'customer')}, at least {MIN_CUSTOMERS} are advised")
    if repeaters < MIN_REPEATERS:
        lacks.append(f"{counted(repeaters, 'customer')} with a second order, at least {MIN_REPEATERS} are advised")
    if horizon < MIN_HORIZON_DAYS:
        lacks.append(f"{counted(span_days, 'day')} of orders, at least {3 * MIN_HORIZON_DAYS} are needed")
    enough = f"{span_days} days of orders carry a horizon of up to {horizon} days"
    return Verdict(
        trainable=not lacks,
        span_days=span_days,
        horizon_days=horizon,
        customers=customers,
        repeat_rate=repeaters / customers if customers else 0.0,
        reason="; ".join(lacks) + "; bring more history" if lacks else enough,
    )


def total(reports: list[FileReport]) -> dict[str, int]:
    """Add up the rejects of all files by reason, most frequent first."""
    sums: dict[str, int] = {}
    for report in reports:
        for reason, count in report.rejected.items():
            sums[reason] = sums.get(reason, 0) + count
    return dict(sorted(sums.items(), key=lambda one: (-one[1], one[0])))
