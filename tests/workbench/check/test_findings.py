"""Each kind of defect is found where it was planted, and nowhere else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from regulars.data.lake import finish
from regulars.data.sql import SqlFolder, connect
from regulars.ingest.mapping import load
from regulars.ingest.run import ingest
from regulars_workbench.check.report import CheckReport, Finding
from regulars_workbench.check.rules.index import RULES
from regulars_workbench.check.rules.thresholds import MOST_EVENTS, MOST_ORDERS
from regulars_workbench.simulator.exports.defects import BOT
from regulars_workbench.simulator.simulate import simulate
from tests.workbench.check.lakes import AS_OF, checked, copied

Planted = Callable[[str, str], CheckReport]

AT = "timestamp '2024-05-05 10:00:00'"
MIDNIGHT = "date_trunc('day', ordered_at)::timestamp"
ONE = "(select min(order_id) from orders where not is_return and order_value_cents > 0)"
"""An order of the small shop."""
WHO = "(select min(customer_id) from orders)"


def row(customer: str = "'new'", at: str = AT, cents: int = 1000, is_return: str | None = None) -> str:
    """Return the SQL of all orders and a new one."""
    return f"""from orders union all by name select {customer}::varchar as customer_id, 'new-1' as order_id,
        {at}::timestamp as ordered_at, {cents}::bigint as order_value_cents,
        {is_return or cents < 0}::boolean as is_return"""


def copy(replaced: str, which: str = f"order_id = {ONE}", orders: str = "orders") -> str:
    """Return the SQL of all orders and copies of some in which columns are replaced."""
    return f"from {orders} union all select * replace ({replaced}) from {orders} where {which}"


def but(table: str, column: str, value: str) -> str:
    """Return the SQL of a table with another value in one column."""
    return f"select * replace ({value} as {column}) from {table}"


def visits(count: int, kind: str = "site_visit") -> str:
    """Return the SQL of all events and `count` more of one customer within a few hours."""
    return f"""from events union all by name select 'busy' as customer_id, {AT} + to_seconds(range) as occurred_at,
        '{kind}' as kind from range({count})"""


def purchases(count: int) -> str:
    """Return the SQL of all orders and `count` more of one customer within a minute."""
    return f"""from orders union all by name select 'busy' as customer_id, 'busy-' || range as order_id,
        {AT} + to_seconds(range) as ordered_at, (1000 + range)::bigint as order_value_cents, false as is_return
        from range({count})"""


TILL = f"""from orders union all by name select 'busy' as customer_id, 'till-' || range as order_id,
    {AT} + to_hours(6 * range) as ordered_at, (1000 + range)::bigint as order_value_cents, false as is_return
    from range(150)"""
"""A till that books every sale on one number."""

Case = tuple[str, str, str, int | None, str | None]
CASES: list[Case] = [
    ("missing_needed_value", "orders", row("null"), 1, None),
    ("missing_needed_value", "orders", row(at="null"), 1, None),
    ("no_return_flag", "orders", row(is_return="null"), 1, None),
    ("sign_against_flag", "orders", row(cents=-5, is_return="false"), 1, None),
    ("sign_against_flag", "orders", row(cents=5, is_return="true"), 1, None),
    ("repeated_orders", "orders", copy("'0' as order_id"), 1, "0"),
    ("repeated_order_ids", "orders", copy("ordered_at + to_minutes(1) as ordered_at"), 1, "O0"),
    ("shared_order_ids", "orders", copy("'other' as customer_id"), 1, "O0"),
    (
        "silent_days",
        "orders",
        "from orders where ordered_at::date not between '2024-05-06' and '2024-05-15'",
        10,
        "2024-05-06 to 2024-05-15: about",
    ),
    ("stray_dates", "orders", row(at="'1970-01-01'"), 1, "1970-01-01: 1 row"),
    ("stray_dates", "orders", row(at="'2150-01-01'"), 1, "2150-01-01: 1 row"),
    (
        "stray_dates",
        "treatments",
        but(
            "treatments",
            "treated_at",
            "if(treated_at = (select min(treated_at) from treatments), timestamp '2001-01-01', treated_at)",
        ),
        None,
        "2001-01-01",
    ),
    ("returns_without_orders", "orders", row(cents=-1000), 1, "new"),
    ("returns_before_orders", "orders", row(WHO, "'2023-06-30'", -5), 1, "C0"),
    ("returned_more_than_bought", "orders", row(WHO, "'2025-06-30 23:00:00'", -100_000_000), 1, "C0"),
    (
        "instant_refunds",
        "orders",
        copy("'0' as order_id, true as is_return, -order_value_cents as order_value_cents"),
        1,
        "0",
    ),
    ("zero_value_orders", "orders", row(cents=0), 1, None),
    ("outlier_amounts", "orders", row(cents=10_000_000), 1, "new-1"),
    ("one_customer_dominates", "orders", row(cents=1_000_000_000), 1, "new: "),
    ("inhuman_orders", "orders", purchases(MOST_ORDERS), 1, f"busy: {MOST_ORDERS} on 2024-05-05"),
    ("inhuman_events", "events", visits(MOST_EVENTS), 1, "busy: 1,000 on 2024-05-05"),
    ("date_only", "orders", but("orders", "ordered_at", MIDNIGHT), None, None),
    (
        "mixed_time_precision",
        "orders",
        but("orders", "ordered_at", f"if(order_id like '%1', {MIDNIGHT}, ordered_at)"),
        None,
        None,
    ),
    ("constant_column", "orders", but("orders", "quantity", "1::double"), None, "1.0"),
    ("constant_column", "customers", but("customers", "acquisition_channel", "'web'"), None, "web"),
    (
        "partly_missing",
        "orders",
        but("orders", "margin_cents", "if(order_id like '%1', null, margin_cents)"),
        None,
        None,
    ),
    (
        "partly_missing",
        "customers",
        but("customers", "signed_up_at", "if(customer_id like '%1', null, signed_up_at)"),
        None,
        None,
    ),
    ("without_orders", "customers", "from customers union all by name select 'quiet' as customer_id", 1, "quiet"),
    ("not_in_customers", "orders", row(), 1, "new"),
    ("not_in_customers", "events", visits(3), 1, "busy"),
    ("not_in_customers", "treatments", but("treatments", "customer_id", "'x' || customer_id"), None, "xC"),
    (
        "orders_before_sign_up",
        "customers",
        but("customers", "signed_up_at", f"if(customer_id = {WHO}, timestamp '2025-06-30 23:59:59', signed_up_at)"),
        1,
        "C0",
    ),
    ("merging_ids", "orders", row(f"lower({WHO}) || ''"), 2, " ~ c0"),
    (
        "merging_ids",
        "orders",
        but("orders", "customer_id", f"if(order_id = {ONE}, {WHO} || ' ', customer_id)"),
        2,
        "C0",
    ),
    ("placeholder_ids", "orders", row("'Guest'"), 1, "Guest"),
    ("placeholder_ids", "orders", TILL, 1, "busy"),
    ("unread_kinds", "events", visits(3, "wishlist"), 3, "wishlist"),
    ("unknown_arms", "treatments", but("treatments", "arm", "if(arm = 'control', 'holdout', arm)"), None, "holdout"),
    ("no_control", "treatments", "from treatments where arm = 'treated' or action <> 'call'", None, "call"),
]


def named(report: CheckReport, name: str, table: str | None = None) -> list[Finding]:
    """Return the findings of one name."""
    return [finding for finding in report.findings if finding.name == name and table in (None, finding.table)]


def test_the_small_shop_has_nothing_odd(shop: Path, sql: SqlFolder) -> None:
    """So the cases below find only what they planted."""
    report = checked(shop, sql)
    assert report.findings == []
    assert report.passed


@pytest.mark.parametrize(
    ("name", "table", "query", "count", "example"),
    CASES,
    ids=[f"{place}-{case[0]}" for place, case in enumerate(CASES)],
)
def test_a_planted_defect_is_found(
    planted: Planted, name: str, table: str, query: str, count: int | None, example: str | None
) -> None:
    """The finding has the name, the count and an example. A report with an error does not pass."""
    report = planted(table, query)
    [finding] = named(report, name, table)
    assert finding.count == count if count else finding.count > 1
    assert finding.share is None or 0 < finding.share <= 1
    assert (finding.why, finding.next_step) == (RULES[name].why, RULES[name].next_step)
    if example:
        assert any(example in shown for shown in finding.examples)
    if RULES[name].severity == "error":
        assert not report.passed


def test_every_rule_is_planted() -> None:
    """Except for the rule that needs --as-of, which has its own test."""
    assert {case[0] for case in CASES} | {"after_as_of"} == set(RULES)


def test_the_docs_name_every_rule() -> None:
    text = (Path(__file__).parents[3] / "docs" / "check.md").read_text(encoding="utf-8")
    assert [name for name, rule in RULES.items() if f"| `{name}` | {rule.severity}" not in text] == []


@pytest.mark.parametrize(
    ("name", "table", "query"),
    [
        ("inhuman_orders", "orders", purchases(MOST_ORDERS - 1)),
        ("inhuman_events", "events", visits(MOST_EVENTS - 1)),
        ("inhuman_events", "events", visits(5 * MOST_EVENTS, "email_sent")),
        ("silent_days", "orders", "from orders where dayofweek(ordered_at) <> 0"),
        ("stray_dates", "orders", row(at="'2025-08-20 10:00:00'")),
        ("shared_order_ids", "orders", copy("true as is_return, -order_value_cents as order_value_cents")),
        ("repeated_order_ids", "orders", copy("true as is_return, -order_value_cents as order_value_cents")),
        ("partly_missing", "orders", "select * exclude (margin_cents) from orders"),
        ("outlier_amounts", "orders", row(cents=50_000)),
        ("mixed_time_precision", "orders", row(at="'2024-05-05'")),
    ],
)
def test_usual_data_is_not_a_finding(planted: Planted, name: str, table: str, query: str) -> None:
    assert named(planted(table, query), name, table) == []


def test_many_repeated_orders_are_an_error(planted: Planted) -> None:
    """Part of an export was read twice. Without a time of day it is a warning, because two orders may be alike."""
    again = ("'copy' || order_id as order_id", "order_id like '%1'")
    [timed] = named(planted("orders", copy(*again)), "repeated_orders")
    [dated] = named(planted("orders", copy(*again, f"({but('orders', 'ordered_at', MIDNIGHT)})")), "repeated_orders")
    assert (timed.severity, dated.severity) == ("error", "warning")


def test_rows_after_as_of_are_found_when_it_is_given(shop: Path, sql: SqlFolder) -> None:
    after = named(checked(shop, sql, as_of=datetime(2025, 6, 1, tzinfo=UTC)), "after_as_of")
    assert {finding.table for finding in after} >= {"orders", "customers", "events"}
    [orders] = [finding for finding in after if finding.table == "orders"]
    query = f"select count(*) from '{shop}/orders/*.parquet' where ordered_at >= '2025-06-01'"
    assert duckdb.sql(query).fetchall() == [(orders.count,)]


def test_a_stray_order_does_not_move_as_of(planted: Planted) -> None:
    report = planted("orders", row(at="'2150-01-01'"))
    assert (report.as_of, report.as_of_is_given) == (AS_OF, False)


def test_the_facts_are_the_tables(shop: Path, sql: SqlFolder) -> None:
    report = checked(shop, sql)
    for name, facts in report.tables.items():
        query = f"select count(*), count(distinct customer_id) from '{shop}/{name}/*.parquet'"
        assert duckdb.sql(query).fetchall() == [(facts.rows, facts.customers)]
        assert facts.bytes == sum(file.stat().st_size for file in (shop / name).iterdir())
    query = f"""select count(*) filter (not is_return), count(*) filter (is_return),
        sum(order_value_cents) filter (not is_return)::bigint from '{shop}/orders/*.parquet'"""
    assert duckdb.sql(query).fetchall() == [(report.orders.orders, report.orders.returns, report.orders.value_cents)]


def test_missing_values_are_a_share_of_the_rows(planted: Planted) -> None:
    report = planted("customers", but("customers", "acquisition_channel", "null::varchar"))
    assert report.tables["customers"].missing["acquisition_channel"] == 1
    assert report.tables["customers"].missing["signed_up_at"] == 0


@pytest.mark.parametrize("kind", ["grocery", "fashion", "subscription-like"])
def test_no_simulated_shop_has_an_error(tmp_path: Path, sql: SqlFolder, kind: str) -> None:
    simulate(tmp_path / "lake", customers=500, years=2, seed=5, shop=kind)
    report = checked(tmp_path / "lake", sql)
    assert [finding.name for finding in report.findings if finding.severity == "error"] == []
    assert report.passed


def test_orders_alone_are_a_lake(shop: Path, tmp_path: Path, sql: SqlFolder) -> None:
    copied(shop / "orders", tmp_path / "lake" / "orders")
    with connect("1GB", 1) as connection:
        finish(connection, tmp_path / "lake", "EUR", 2)
    report = checked(tmp_path / "lake", sql)
    assert list(report.tables) == ["orders"]
    assert report.findings == []
    assert report.passed


def test_defects_that_ingest_keeps_are_found(tmp_path: Path, sql: SqlFolder) -> None:
    """The bot, every refund without an order, and customers whose rows had no id."""
    raw = tmp_path / "clean" / "defects"
    simulate(tmp_path / "clean", customers=1_000, years=2, seed=3, defects=True)
    ingest([raw / "export"], tmp_path / "lake", mapping=load(raw / "map.toml"), sql=sql)
    planted = {entry["defect"]: entry["rows"] for entry in json.loads((raw / "ledger.json").read_text())["planted"]}
    report = checked(tmp_path / "lake", sql)
    assert named(report, "inhuman_events")[0].examples[0].startswith(f"{BOT}: 43,200 on ")
    count = sum(named(report, name)[0].count for name in ("instant_refunds", "repeated_orders") if named(report, name))
    assert count == planted["refund without an order"]
    assert named(report, "not_in_customers", "events")[0].count > 1
