"""Ingest rejects and keeps the planted defects as the ledger says."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from regulars.data.sql import SqlFolder
from regulars.ingest.mapping import load
from regulars.ingest.run import ingest
from regulars_workbench.simulator.exports.defects import BOT, BOT_VISITS
from regulars_workbench.simulator.simulate import simulate


@pytest.mark.parametrize(("currency", "shop"), [("EUR", "grocery"), ("JPY", "fashion")])
def test_ingest_treats_each_defect_as_the_ledger_says(tmp_path: Path, sql: SqlFolder, currency: str, shop: str) -> None:
    """Rejects by table and reason equal the ledger's. Every kept order equals the clean lake's, to the cent."""
    clean, raw = tmp_path / "clean", tmp_path / "clean" / "defects"
    info = simulate(clean, customers=2_000, years=2, seed=3, currency=currency, shop=shop, defects=True)
    planted = json.loads((raw / "ledger.json").read_text())["planted"]
    report = ingest([raw / "export"], tmp_path / "lake", mapping=load(raw / "map.toml"), sql=sql)
    rejected: Counter[tuple[str, str]] = Counter()
    for file in report.files:
        rejected.update({(file.table, reason): rows for reason, rows in file.rejected.items()})
    expected: Counter[tuple[str, str]] = Counter()
    for entry in planted:
        expected.update({(entry["table"], entry["reason"]): entry["rows"]} if entry["reason"] else {})
    assert rejected == expected
    rows = {(entry["table"], entry["defect"]): entry["rows"] for entry in planted}
    lost = sum(rows["orders", name] for name in ("null id", "broken date", "broken amount"))
    refunds = rows["orders", "refund without an order"]
    assert report.tables["orders"] == info.tables["orders"].rows - lost + refunds
    assert report.tables["treatments"] == info.tables["treatments"].rows
    assert rows["events", "visits of one bot"] == BOT_VISITS

    def differing(ours: str) -> int:
        query = f"""select count(*) from '{tmp_path}/lake/orders/*.parquet' as kept
            left join '{clean}/orders/*.parquet' as made using (order_id) where kept.order_id not like 'X%'
            and {ours}"""
        return int(duckdb.sql(query).fetchall()[0][0])

    same = [f"kept.{name} is distinct from made.{name}" for name in ("customer_id", "ordered_at", "order_value_cents")]
    same += [f"kept.{name} is distinct from made.{name}" for name in ("margin_cents", "quantity", "is_return")]
    assert differing(f"({' or '.join(same)})") == 0
    assert differing("true") == info.tables["orders"].rows - lost


def test_only_the_bots_visits_reach_the_lake(tmp_path: Path, sql: SqlFolder) -> None:
    """Ingest keeps the visits. Their customer never ordered, so there is no feature row."""
    simulate(tmp_path / "clean", customers=300, years=1, seed=1, defects=True)
    raw = tmp_path / "clean" / "defects"
    ingest([raw / "export"], tmp_path / "lake", mapping=load(raw / "map.toml"), sql=sql)
    seen = duckdb.sql(f"select count(*) from '{tmp_path}/lake/events/*.parquet' where customer_id = '{BOT}'").fetchall()
    bought = duckdb.sql(
        f"select count(*) from '{tmp_path}/lake/orders/*.parquet' where customer_id = '{BOT}'"
    ).fetchall()
    assert (seen, bought) == ([(BOT_VISITS,)], [(0,)])
