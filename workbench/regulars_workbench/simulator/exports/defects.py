"""Raw exports of a simulated lake, as a shop would write them, with planted defects; and a ledger of the defects.

LAKE/defects/export/*.csv, *.parquet   what `regulars ingest` reads
LAKE/defects/map.toml                  the map that goes with it
LAKE/defects/ledger.json               what was planted, in how many rows, and what ingest should do with it
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from regulars.data.lake import LakeInfo
from regulars_workbench.simulator.exports import shop_exports

RATE = 1.25
"""Units of the other currency for one unit of the lake's. The last part of the log is in the other currency.

Above 1, so that an amount rounded to cents in the other currency converts back to the same cents."""
OTHERS, CHANGED_DAYS = ("USD", "EUR"), 120
BOT, BOT_VISITS = "bot-01", 100_000
DUPLICATE, LATE, COMMA = "duplicate", "late: in the file of the next year", "amount with a decimal comma"

DEFECTS: dict[str, dict[str, tuple[int, str | None]]] = {
    "orders": {
        DUPLICATE: (50, "order_id is a duplicate"),
        "null id": (30, "customer_id is missing"),
        "broken date": (20, "ordered_at does not parse"),
        "broken amount": (20, "order_value is not a number"),
        LATE: (30, None),
        "date as 31/12/2025 18:05:00": (500, None),
        COMMA: (500, None),
        "refund without an order": (20, None),
    },
    "customers": {DUPLICATE: (20, "customer_id is a duplicate"), "null id": (10, "customer_id is missing")},
    "events": {"null id": (10, "customer_id is missing")},
    "treatments": {},
}
"""By table: in how many of 10,000 rows each defect is planted, and why ingest rejects them (None: ingest keeps them).

A row has at most one defect, chosen by a hash of its key and the seed. Of duplicates, ingest keeps the first row."""
KEYS = {
    "orders": "order_id",
    "customers": "customer_id",
    "events": "customer_id || kind || cast(epoch_us(occurred_at) as varchar)",
    "treatments": "customer_id",
}
PARTS = 10_000


@dataclass(frozen=True)
class Planter:
    """Writes the exports of one lake, a table at a time."""

    connection: duckdb.DuckDBPyConnection
    lake: Path
    info: LakeInfo
    seed: int

    @property
    def other(self) -> str:
        """The currency that the shop changes to."""
        return next(code for code in OTHERS if code != self.info.currency)

    def mark(self, table: str, more: str = "1 as one") -> list[dict[str, Any]]:
        """Make the view `marked` of a table: its rows, each with its defect and `more`; return the ledger's entries."""
        self._view(table, f"from read_parquet('{_quoted(self.lake / table / '*.parquet')}')")
        branches, below = "", 0
        for name, (rows, _) in DEFECTS[table].items():
            below += rows
            branches += f" when part < {below} then '{name}'"
        defect = f"case{branches} else '' end" if branches else "''"
        part = f"select *, hash({KEYS[table]}, {self.seed}) % {PARTS} as part from {table}"
        marked = f"select * exclude (part), {defect} as defect from ({part})"
        self._view("marked", f"select *, 1 + cast(defect = '{DUPLICATE}' as integer) as times, {more} from ({marked})")
        counts = dict(self.connection.execute("select defect, count(*) from marked group by 1").fetchall())
        return [_entry(name, table, counts.get(name, 0), reason) for name, (_, reason) in DEFECTS[table].items()]

    def orders(self) -> list[dict[str, Any]]:
        """Write one CSV for each year, unsorted within its months."""
        changed = f"ordered_at >= (select max(ordered_at) - to_days({CHANGED_DAYS}) from orders) as changed"
        entries = self.mark("orders", f"{changed}, year(ordered_at) + cast(defect = '{LATE}' as integer) as file_year")
        money = {name: self._changed(f"{name}_cents") for name in ("order_value", "discount", "margin")}
        years = self.connection.execute("select distinct file_year from marked order by 1").fetchall()
        for (year,) in years:
            words = money | {"other": self.other, "currency": self.info.currency, "seed": self.seed, "year": year}
            self._copy(shop_exports.ORDERS.format(**words), f"orders-{year}.csv")
        [(rows,)] = self.connection.execute("select count(*) from marked where changed").fetchall()
        return [*entries, _entry(f"currency changed to {self.other} at {RATE}", "orders", rows, None)]

    def customers(self) -> list[dict[str, Any]]:
        """Write one CSV."""
        entries = self.mark("customers")
        query = shop_exports.CUSTOMERS.format(seed=self.seed, acquisition_cost=self._money("acquisition_cost_cents"))
        self._copy(query, "customers.csv")
        return entries

    def events(self) -> list[dict[str, Any]]:
        """Write Parquet, with the visits of a bot at the end, newest first."""
        entries = self.mark("events")
        self._copy(shop_exports.EVENTS.format(bot=BOT, visits=BOT_VISITS), "events.parquet")
        return [*entries, _entry("visits of one bot", "events", BOT_VISITS, None)]

    def treatments(self) -> list[dict[str, Any]]:
        """Write one CSV, without defects."""
        entries = self.mark("treatments")
        self._copy(shop_exports.TREATMENTS.format(cost=self._money("cost_cents")), "treatments.csv")
        return entries

    def _view(self, name: str, query: str) -> None:
        self.connection.execute(f"create or replace temp view {name} as {query}")

    def _money(self, amount: str) -> str:
        """Return the SQL that writes minor units as units of currency."""
        return f"printf('%.{self.info.minor_units}f', {amount} / {10.0**self.info.minor_units})"

    def _changed(self, column: str) -> str:
        """Return the SQL of an amount: in the other currency after the change, some with a decimal comma."""
        text = self._money(f"({column} * case when changed then {RATE} else 1 end)")
        return f"case when defect = '{COMMA}' then replace({text}, '.', ',') else {text} end"

    def _copy(self, query: str, name: str) -> None:
        kind = "format parquet" if name.endswith(".parquet") else "format csv, header"
        file = _quoted(self.lake / "defects" / "export" / name)
        self.connection.execute(f"copy ({query}) to '{file}' ({kind})")


def plant(connection: duckdb.DuckDBPyConnection, lake: Path, info: LakeInfo, seed: int) -> None:
    """Write defects/ into a finished lake of `info`; the same seed gives the same bytes."""
    (lake / "defects" / "export").mkdir(parents=True)
    connection.execute("set preserve_insertion_order = true")  # else the order of rows depends on the threads
    planter = Planter(connection, lake, info, seed)
    planted = [*planter.orders(), *planter.customers(), *planter.events()]
    sections = [shop_exports.ORDERS_MAP, shop_exports.CUSTOMERS_MAP, shop_exports.EVENTS_MAP]
    if info.tables["treatments"].rows:
        planted += planter.treatments()
        sections.append(shop_exports.TREATMENTS_MAP)
    text = "".join(sections).format(currency=info.currency, other=planter.other, rate=RATE)
    (lake / "defects" / "map.toml").write_text(text, encoding="utf-8")
    ledger = {"seed": seed, "planted": [row for row in planted if row["rows"]]}
    (lake / "defects" / "ledger.json").write_text(json.dumps(ledger, indent=2) + "\n", encoding="utf-8")


def _entry(name: str, table: str, rows: int, reason: str | None) -> dict[str, Any]:
    return {"defect": name, "table": table, "rows": rows, "ingest": "rejects" if reason else "keeps", "reason": reason}


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
