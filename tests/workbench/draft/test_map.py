"""`regulars map` drafts a map that ingest reads, with its evidence and doubts, and replaces no file by itself."""

from pathlib import Path
from typing import Any

import pytest

from regulars.ingest.exports.recognise import known
from regulars.ingest.mapping import load
from regulars.ingest.run import ingest
from tests.command_line import Run, command_line
from tests.regulars.ingest.helpers import SQL, read
from tests.regulars.ingest.test_known_exports import fixture

GERMAN = """Bestellnummer;Datum;Kunden-Nr;Kundenname;Menge;Einzelpreis;Summe;Währung;Status;Land
1;25.01.2024 10:00;00017;Ana;2;5,00;10,00;EUR;bezahlt;DE
1;25.01.2024 10:00;00017;Ana;1;20,00;20,00;EUR;bezahlt;DE
2;26.01.2024 11:00;00018;Ben;1;1.234,50;1.234,50;EUR;bezahlt;AT
3;27.01.2024 11:00;00018;Ben;1;5,00;5,00;EUR;storniert;AT
4;28.01.2024 11:00;;;1;5,00;5,00;EUR;bezahlt;DE
5;29.01.2024 11:00;00017;Ana;1;5,00;5,00;EUR;Gutschrift;DE
"""
REPEATED = """order_id,order_date,email,order_total,item,item_total
1,2024-01-01,A@x.test,30.00,Mug,10.00
1,2024-01-01,a@x.test,30.00,Tee,20.00
2,2024-01-02,b@x.test,5.00,Pen,5.00
"""
FIRST_LINE = """Order No,Created,Client ID,Total,Item
1,2024-01-01,A,30.00,Mug
1,2024-01-01,A,,Tee
2,2024-01-02,B,5.00,Pen
"""
UNIT = "when_sold,customer,unit_price,qty\n2024-01-01,A,10.00,2\n2024-01-02,B,5.00,3\n"
NOTHING = "colour,size\nred,XL\nblue,S\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_line(monkeypatch, capsys, "map")


def drafted(run: Run, tmp_path: Path, text: str) -> tuple[str, str]:
    """Return what was printed, and the map."""
    (tmp_path / "shop.csv").write_text(text, encoding="utf-8")
    status, out, err = run(tmp_path / "shop.csv", "--out", tmp_path / "my.toml")
    assert status == 0, err
    return out, (tmp_path / "my.toml").read_text(encoding="utf-8")


def orders(tmp_path: Path) -> list[tuple[Any, ...]]:
    """Ingest with the drafted map; return the orders' customer and value."""
    ingest([tmp_path / "shop.csv"], tmp_path / "lake", mapping=load(tmp_path / "my.toml"), sql=SQL)
    return read(tmp_path / "lake", "customer_id, order_value_cents")


def test_a_german_export_of_lines(run: Run, tmp_path: Path) -> None:
    out, text = drafted(run, tmp_path, GERMAN)
    assert 'currency = "EUR" # in all rows of "Währung"' in text
    assert 'grain = "line"' in text
    assert 'land = "Land"' in text
    assert "# storniert (1 row)" in text
    assert "1 row without one would be rejected" in out
    assert "1,234.50" in out
    assert orders(tmp_path) == [("00017", 3000), ("00017", -500), ("00018", 123450), ("00018", 500)]


def test_a_total_on_each_line_is_counted_once_and_said(run: Run, tmp_path: Path) -> None:
    out, text = drafted(run, tmp_path, REPEATED)
    assert 'grain = "order"' in text
    assert 'order_value: "item_total" could be it too' in out
    assert "the same amount stands on each row of an order" in out
    assert "currency: no column names it" in out
    assert orders(tmp_path) == [("a@x.test", 3000), ("b@x.test", 500)]


def test_an_amount_on_the_first_line_only(run: Run, tmp_path: Path) -> None:
    _, text = drafted(run, tmp_path, FIRST_LINE)
    assert 'grain = "first_line"' in text
    assert orders(tmp_path) == [("A", 3000), ("B", 500)]


def test_a_units_price_is_multiplied_and_said(run: Run, tmp_path: Path) -> None:
    out, _ = drafted(run, tmp_path, UNIT)
    assert '"unit_price" looks like the price of one unit' in out
    assert orders(tmp_path) == [("A", 2000), ("B", 1500)]


def test_dates_that_can_mean_two_days_are_asked(run: Run, tmp_path: Path) -> None:
    out, _ = drafted(run, tmp_path, "customer,order date,total\nA,05/01/2024,1.00\nB,06/02/2024,2.50\n")
    assert "not readable yet: ordered_at: %d/%m/%Y and %m/%d/%Y" in out


def test_what_nothing_looks_like_is_left_to_the_user(run: Run, tmp_path: Path) -> None:
    out, text = drafted(run, tmp_path, NOTHING)
    assert "customer_id: no column looks like it" in out
    assert "# order_value = '...' # needed" in text


def test_a_known_export_is_given_its_own_map(run: Run, tmp_path: Path) -> None:
    status, out, _ = run(fixture("magento_orders"), "--out", tmp_path / "my.toml")
    assert (status, "Recognised: Magento 2 orders" in out) == (0, True)
    export = next(export for export in known() if export.key == "magento_orders")
    assert load(tmp_path / "my.toml") == export.mapping


def test_no_file_is_replaced_without_force(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text(REPEATED)
    (tmp_path / "my.toml").write_text("mine")
    status, _, err = run(tmp_path / "shop.csv", "--out", tmp_path / "my.toml")
    assert (status, "--force" in err) == (2, True)
    assert (tmp_path / "my.toml").read_text() == "mine"
    assert run(tmp_path / "shop.csv", "--out", tmp_path / "my.toml", "--force")[0] == 0


def test_cells_never_leave_their_comment(run: Run, tmp_path: Path) -> None:
    """A cell with a line end or a bracket cannot add a setting to the map."""
    evil = 'customer,order date,total,note\nA,2024-01-01,1.00,"x\n[evil]\ny = 1"\nB,2024-01-02,2.50,ok\n'
    _, text = drafted(run, tmp_path, evil)
    assert not any(line.startswith(("[evil]", "y =")) for line in text.splitlines())
    assert orders(tmp_path) == [("A", 100), ("B", 250)]


def test_the_contracts_own_columns_need_no_map(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("customer_id,ordered_at,order_value\nA,2024-01-01,1.00\n")
    status, _, err = run(tmp_path / "shop.csv", "--out", tmp_path / "my.toml")
    assert (status, "needs no map" in err) == (2, True)
