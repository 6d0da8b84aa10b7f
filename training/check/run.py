"""One check of a lake from top to bottom."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
from regulars.features import as_of_params
from regulars.lake import attach
from regulars.sql import SqlFolder

from training.check import history
from training.check.columns import odd_columns
from training.check.counts import Counts, midnight, sales
from training.check.customers import odd_customers, odd_events, odd_treatments
from training.check.days import by_day, stretch
from training.check.gaps import Curve, curve, suggest
from training.check.orders import odd_orders
from training.check.report import CheckReport
from training.check.rules import MOST_EVENTS, MOST_ORDERS
from training.check.tables import order_facts, tables

ORDER = ("error", "warning", "note")


def check(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    sql: SqlFolder,
    *,
    horizon_days: int,
    as_of: datetime | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[CheckReport, Curve | None]:
    """Look at a lake and say what is in it, what is odd, and what it suffices for.

    Without `as_of` it is the midnight after the last order, stray dates left out. LakeError as `attach`.
    """
    info = attach(connection, lake)
    counts = Counts(connection, sql, {"most_orders": MOST_ORDERS, "most_events": MOST_EVENTS}, tell)
    moment = as_of or _end(counts)
    seen = moment or midnight(0)
    counts.params |= as_of_params(seen) | {"as_of_day": int(seen.timestamp() // 86_400)}
    facts = tables(counts, lake, info)
    findings = [
        *odd_orders(counts),
        *odd_columns(counts, facts, as_of),
        *odd_customers(counts),
        *odd_events(counts),
        *odd_treatments(counts),
    ]
    waits = counts.frame("first_gaps")
    found = curve(waits) if waits.height else None
    judged = history.judge(counts, moment, horizon_days)
    report = CheckReport(
        lake=str(lake),
        currency=info.currency,
        minor_units=info.minor_units,
        as_of=moment,
        as_of_is_given=as_of is not None,
        tables=facts,
        orders=order_facts(counts),
        findings=sorted(findings, key=lambda one: (ORDER.index(one.severity), -(one.share or 0))),
        history=judged,
        churn_horizon=suggest(waits, found, horizon_days),
        passed=judged.sufficient and not any(one.severity == "error" for one in findings),
    )
    return report, found


def _end(counts: Counts) -> datetime | None:
    """Return the midnight after the last day of orders; None without an order."""
    within = stretch(*by_day(sales(counts.frame("order_days")), "ordered_at_day"))
    return midnight(within.last + 1) if within else None
