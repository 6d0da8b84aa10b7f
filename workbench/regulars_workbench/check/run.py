"""The whole check of a lake."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.instants import as_of_params
from regulars_workbench.check.counts import Counts, midnight, sales
from regulars_workbench.check.findings import history
from regulars_workbench.check.findings.columns import odd_columns
from regulars_workbench.check.findings.customers import odd_customers, odd_events, odd_treatments
from regulars_workbench.check.findings.days import by_day, main_span
from regulars_workbench.check.findings.gaps import Curve, curve, suggest
from regulars_workbench.check.findings.identities import odd_identities
from regulars_workbench.check.findings.orders import odd_orders
from regulars_workbench.check.findings.tables import order_facts, tables
from regulars_workbench.check.report import CheckReport
from regulars_workbench.check.rules.thresholds import MOST_EVENTS, MOST_ORDERS

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
    """Return the report on a lake, and the curve of returning customers (None: too few returned).

    Without `as_of`, it is the midnight after the last order that is not a stray date. LakeError as `attach`.
    """
    info = attach(connection, lake)
    counts = Counts(connection, sql, {"most_orders": MOST_ORDERS, "most_events": MOST_EVENTS}, tell)
    moment = as_of or _after_last_order(counts)
    end = moment or midnight(0)
    counts.params |= as_of_params(end) | {"as_of_day": int(end.timestamp() // 86_400)}
    facts = tables(counts, lake, info)
    findings = [
        *odd_orders(counts),
        *odd_columns(counts, facts, as_of),
        *odd_customers(counts),
        *odd_identities(counts, info.minor_units, info.currency),
        *odd_events(counts),
        *odd_treatments(counts),
    ]
    first_gaps = counts.frame("first_gaps")
    returned = curve(first_gaps) if first_gaps.height else None
    judged = history.judge(counts, moment, horizon_days)
    report = CheckReport(
        lake=str(lake),
        currency=info.currency,
        minor_units=info.minor_units,
        as_of=moment,
        as_of_is_given=as_of is not None,
        tables=facts,
        orders=order_facts(counts),
        findings=sorted(findings, key=lambda finding: (ORDER.index(finding.severity), -(finding.share or 0))),
        history=judged,
        churn_horizon=suggest(first_gaps, returned, horizon_days),
        passed=judged.sufficient and not any(finding.severity == "error" for finding in findings),
    )
    return report, returned


def _after_last_order(counts: Counts) -> datetime | None:
    """Return the midnight after the last day of orders; None without an order."""
    span = main_span(*by_day(sales(counts.frame("order_days")), "ordered_at_day"))
    return midnight(span.last + 1) if span else None
