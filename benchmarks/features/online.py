"""Features of a warm request, with the functions' prepared statements: milliseconds, median and 99th percentile."""

import json
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from regulars.api.contract.customers import Customer
from regulars.api.requests.history_features import PreparedStatements
from regulars.data.sql import SqlFolder, connect

if TYPE_CHECKING:
    from regulars.models.bundle import Bundle

SQL = SqlFolder(Path(__file__).parents[2] / "sql")
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
KINDS = ("email_sent", "email_open", "email_click", "site_visit", "support_ticket")
REQUESTS = ((1, 50, 200, 300), (10, 10, 20, 100), (1_000, 10, 20, 10))
"""Customers, orders and events of each, calls."""


def customer(dice: random.Random, number: int, orders: int, events: int) -> Customer:
    """Make one customer of a request."""

    def moment() -> str:
        return (AS_OF - timedelta(seconds=dice.randrange(800 * 86_400))).isoformat()

    raw: dict[str, Any] = {
        "customer_id": f"C{number}",
        "signed_up_at": "2023-12-01",
        "acquisition_cost": 12.0,
        "orders": [{"ordered_at": moment(), "order_value": dice.randrange(10_000) / 100} for _ in range(orders)],
        "events": [{"occurred_at": moment(), "kind": dice.choice(KINDS)} for _ in range(events)],
    }
    return Customer.model_validate(raw)


def statements() -> PreparedStatements:
    """Make the statements like a function on its first request, with arbitrary cut points."""
    cuts = [(measure, part, part) for measure in ("recency", "frequency", "monetary") for part in (1, 2, 3, 4)]
    bundle = SimpleNamespace(sql=SQL, cut_points=cuts, manifest=SimpleNamespace(minor_units=2))
    return PreparedStatements(connect("1GB", 1, None, files=False), cast("Bundle", bundle))


def main() -> None:
    """Print the milliseconds of each kind of request as JSON."""
    dice, prepared, results = random.Random(7), statements(), []  # noqa: S311 - simulated customers, no secrets
    for count, orders, events, calls in REQUESTS:
        customers = [customer(dice, number, orders, events) for number in range(count)]
        prepared.features(customers, AS_OF)
        milliseconds, cpu = [], time.process_time()
        for _ in range(calls):
            start = time.perf_counter()
            prepared.features(customers, AS_OF)
            milliseconds.append(1_000 * (time.perf_counter() - start))
        cpu_ms = 1_000 * (time.process_time() - cpu) / calls
        p99 = statistics.quantiles(milliseconds, n=100, method="inclusive")[-1]
        results.append(
            {"customers": count, "orders": orders, "events": events, "calls": calls}
            | {
                "median_ms": statistics.median(milliseconds),
                "p99_ms": p99,
                "min_ms": min(milliseconds),
                "cpu_ms": cpu_ms,
            }
        )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
