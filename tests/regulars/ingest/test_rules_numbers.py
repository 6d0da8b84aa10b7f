"""Numbers that only a rule reads are understood as those of a column of the contract."""

from pathlib import Path

from tests.regulars.ingest.helpers import read, run, write


def test_a_rule_over_a_german_amount(tmp_path: Path) -> None:
    text = "customer_id;ordered_at;order_value;price\nA;2024-01-01;10;1.234,50\nB;2024-01-02;5;0,50\n"
    columns = {name: name for name in ("customer_id", "ordered_at", "order_value")}
    run([write(tmp_path / "o.csv", text)], tmp_path / "lake", {"orders": {**columns, "where": "price > 1000"}})
    assert read(tmp_path / "lake", "customer_id") == [("A",)]
