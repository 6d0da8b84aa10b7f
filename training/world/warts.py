"""Raw exports of a simulated lake as a shop would hand them over, full of planted trouble; and a ledger of it.

    LAKE/warts/export/*.csv, *.parquet   what `regulars ingest` reads
    LAKE/warts/map.toml                  the map that goes with it
    LAKE/warts/ledger.json               what was planted, how often, and what ingest should make of it
"""

import json
from pathlib import Path
from typing import NamedTuple

import duckdb
from regulars.lake import LakeInfo

RATE = 1.25
"""What one unit of the lake's currency is in the other one, in which the last part of the log is kept."""
OTHERS = ("USD", "EUR")
BOT, BOT_VISITS = "bot-01", 100_000
FOLD = 10_000
"""Rows are told apart by a hash of their key and the seed, in so many parts; a row has one wart at most."""


class Wart(NamedTuple):
    """One kind of trouble: its first and last part of `FOLD`, and why ingest rejects it, None where it is kept."""

    first: int
    last: int
    reason: str | None


ORDER_WARTS = {
    "duplicate": Wart(0, 49, "order_id is a duplicate"),
    "null id": Wart(50, 79, "customer_id is missing"),
    "broken date": Wart(80, 99, "ordered_at does not parse"),
    "broken amount": Wart(100, 119, "order_value is not a number"),
    "late: in the next year's file": Wart(120, 149, None),
    "date as 31/12/2025 18:05:00": Wart(150, 649, None),
    "amount with a decimal comma": Wart(650, 1_149, None),
    "refund without an order": Wart(1_150, 1_169, None),
}
CUSTOMER_WARTS = {"duplicate": Wart(0, 19, "customer_id is a duplicate"), "null id": Wart(20, 29, "customer_id is missing")}
EVENT_WARTS = {"null id": Wart(0, 9, "customer_id is missing")}


def plant(connection: duckdb.DuckDBPyConnection, lake: Path, info: LakeInfo, seed: int) -> None:
    """Write warts/ into a finished lake of `info`; the same seed gives the same files."""
    export = lake / "warts" / "export"
    export.mkdir(parents=True)
    connection.execute("set preserve_insertion_order = false")
    for table in info.tables:
        connection.execute(f"create or replace temp view {table} as select * from read_parquet('{_files(lake, table)}')")
    planted = [*_orders(connection, export, info, seed), *_customers(connection, export, info, seed)]
    planted += _events(connection, export, seed)
    sections = [ORDERS_MAP, CUSTOMERS_MAP, EVENTS_MAP]
    if info.tables["treatments"].rows:
        _copy(connection, f"select * replace ({_money('cost_cents', info)} as cost_cents) from treatments", export / "treatments.csv")
        sections.append(TREATMENTS_MAP)
    text = "\n".join(sections).format(currency=info.currency, other=_other(info), rate=RATE)
    (lake / "warts" / "map.toml").write_text(text, encoding="utf-8")
    ledger = {"seed": seed, "planted": [row for row in planted if row["rows"]]}
    (lake / "warts" / "ledger.json").write_text(json.dumps(ledger, indent=2) + "\n", encoding="utf-8")


def _orders(
    connection: duckdb.DuckDBPyConnection, export: Path, info: LakeInfo, seed: int
) -> list[dict[str, object]]:
    """Write a CSV a year, unsorted within its months, and say what is in them."""
    bucket = _bucket("order_id", seed)
    turn = "(select max(ordered_at) - interval 120 day from orders)"
    connection.execute(
        f"create or replace temp view dealt as select *, {bucket} as part, ordered_at >= {turn} as changed, "
        f"1 + (part between 0 and 49)::int as times from orders"
    )
    late, slash, comma = (ORDER_WARTS[name] for name in list(ORDER_WARTS)[4:7])
    amount = {name: _amount(f"{name}_cents", info, comma) for name in ("order_value", "discount", "margin")}
    query = f"""
        with rows as (
            select * exclude (times), unnest(range(times)) as time from dealt
            union all by name
            select * exclude (times) replace ('X' || order_id as order_id, -abs(order_value_cents) as order_value_cents,
                -abs(discount_cents) as discount_cents, -abs(margin_cents) as margin_cents,
                -abs(quantity) as quantity, true as is_return), 0 as time from dealt where {_in(ORDER_WARTS["refund without an order"])}
        )
        select order_id as "Order No",
            case when {_in(ORDER_WARTS["null id"])} then null else customer_id end as "Customer",
            case when {_in(ORDER_WARTS["broken date"])} then 'n/a'
                when {_in(slash)} then strftime(ordered_at, '%d/%m/%Y %H:%M:%S')
                else strftime(ordered_at, '%Y-%m-%d %H:%M:%S') end as "Date",
            case when {_in(ORDER_WARTS["broken amount"])} then 'see invoice' else {amount["order_value"]} end as "Total",
            {amount["discount"]} as "Discount", {amount["margin"]} as "Margin", quantity as "Items",
            case when changed then '{_other(info)}' else '{info.currency}' end as "Currency",
            case when is_return then 'REFUND' else 'SALE' end as "Type"
        from rows where year(ordered_at) + ({_in(late)})::int = $year
        order by month(ordered_at), hash(order_id, time, {seed}), order_id, time
    """
    late_year = f"year(ordered_at) + ({_in(late)})::int"
    years = connection.execute(f"select distinct {late_year} from dealt order by 1").fetchall()
    for (year,) in years:
        _copy(connection, query.replace("$year", str(year)), export / f"orders-{year}.csv")
    [(changed,)] = connection.execute("select count(*) filter (where changed) from dealt").fetchall()
    counted = _count(connection, "dealt", "orders", ORDER_WARTS)
    return [*counted, _entry(f"currency changed to {_other(info)} at {RATE}", "orders", changed, None)]


def _customers(
    connection: duckdb.DuckDBPyConnection, export: Path, info: LakeInfo, seed: int
) -> list[dict[str, object]]:
    bucket = _bucket("customer_id", seed)
    connection.execute(f"create or replace temp view met as select *, {bucket} as part from customers")
    query = f"""
        select case when {_in(CUSTOMER_WARTS["null id"])} then null else customer_id end as customer_id, signed_up_at,
            acquisition_channel, {_money("acquisition_cost_cents", info)} as acquisition_cost
        from (select *, unnest(range(1 + ({_in(CUSTOMER_WARTS["duplicate"])})::int)) as time from met)
        order by met.customer_id, time
    """.replace("met.customer_id", "hash(part, signed_up_at), signed_up_at")
    _copy(connection, query, export / "customers.csv")
    return _count(connection, "met", "customers", CUSTOMER_WARTS)


def _events(connection: duckdb.DuckDBPyConnection, export: Path, seed: int) -> list[dict[str, object]]:
    """Write Parquet, the bot's rows among the others'."""
    connection.execute(
        "create or replace temp view heard as select *, "
        f"{_bucket('customer_id || kind || epoch_us(occurred_at)::varchar', seed)} as part from events"
    )
    query = f"""
        select case when {_in(EVENT_WARTS["null id"])} then null else customer_id end as customer_id,
            occurred_at, kind, cause from heard
        union all
        select '{BOT}', (select max(occurred_at) from events) - to_seconds(2 * range), 'site_visit', null
        from range({BOT_VISITS})
    """
    _copy(connection, query, export / "events.parquet")
    return [*_count(connection, "heard", "events", EVENT_WARTS), _entry("visits of one bot", "events", BOT_VISITS, None)]


def _count(
    connection: duckdb.DuckDBPyConnection, view: str, table: str, warts: dict[str, Wart]
) -> list[dict[str, object]]:
    counts = ", ".join(f"count(*) filter (where {_in(wart)})" for wart in warts.values())
    [found] = connection.execute(f"select {counts} from {view}").fetchall()
    return [_entry(name, table, rows, wart.reason) for (name, wart), rows in zip(warts.items(), found, strict=True)]


def _entry(name: str, table: str, rows: int, reason: str | None) -> dict[str, object]:
    return {"wart": name, "table": table, "rows": rows, "ingest": "rejects" if reason else "keeps", "reason": reason}


def _bucket(key: str, seed: int) -> str:
    return f"(hash({key}, {seed}) % {FOLD})::integer"


def _in(wart: Wart) -> str:
    return f"part between {wart.first} and {wart.last}"


def _money(column: str, info: LakeInfo) -> str:
    """Write minor units as major ones."""
    return f"printf('%.{info.minor_units}f', {column} / {10.0**info.minor_units})"


def _amount(column: str, info: LakeInfo, comma: Wart) -> str:
    """The same in the other currency after the change, and with a decimal comma where that is the wart.

    A rate above 1 keeps the amount: rounded to the same places there, it comes back to the same minor units.
    """
    text = _money(f"({column} * case when changed then {RATE} else 1 end)", info)
    return f"case when {_in(comma)} then replace({text}, '.', ',') else {text} end"


def _copy(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    kind = "format parquet" if file.suffix == ".parquet" else "format csv, header"
    connection.execute(f"copy ({query}) to '{_quoted(file)}' ({kind})")


def _other(info: LakeInfo) -> str:
    return next(code for code in OTHERS if code != info.currency)


def _files(lake: Path, table: str) -> str:
    return _quoted(lake / table / "*.parquet")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


ORDERS_MAP = """\
# The shop's own export: two ways to write a date, two to write an amount, and from one day on another currency.
currency = "{currency}"

[orders]
files = ["orders-*.csv"]
customer_id = "Customer"
order_id = '"Order No"'
ordered_at = \"\"\"case when contains("Date", '/')
    then strftime(try_strptime("Date", '%d/%m/%Y %H:%M:%S'), '%Y-%m-%d %H:%M:%S') else "Date" end\"\"\"
order_value = \"\"\"replace(Total, ',', '.') / case when Currency = '{other}' then {rate} else 1 end\"\"\"
discount = \"\"\"replace(Discount, ',', '.') / case when Currency = '{other}' then {rate} else 1 end\"\"\"
margin = \"\"\"replace(Margin, ',', '.') / case when Currency = '{other}' then {rate} else 1 end\"\"\"
quantity = "Items"
is_return = "Type = 'REFUND'"
"""
CUSTOMERS_MAP = """\
[customers]
files = ["customers.csv"]
customer_id = "customer_id"
signed_up_at = "signed_up_at"
acquisition_channel = "acquisition_channel"
acquisition_cost = "acquisition_cost"
"""
EVENTS_MAP = """\
[events]
files = ["events.parquet"]
customer_id = "customer_id"
occurred_at = "occurred_at"
kind = "kind"

[events.attributes]
cause = "cause"
"""
TREATMENTS_MAP = """\
[treatments]
files = ["treatments.csv"]
customer_id = "customer_id"
treated_at = "treated_at"
action = "action"
arm = "arm"
cost = "cost_cents"
"""
