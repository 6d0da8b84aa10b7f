"""Exports as people have them: read right to the cent, or refused with a reason; never silently different."""

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from regulars.errors import RegularsError, SourceError
from regulars.ingest.report import IngestReport
from tests.regulars.ingest.helpers import EUR, ORDERS, read, rejects, run, write

HEAD = "customer_id,ordered_at,order_value"
TOTAL = "coalesce(sum(order_value_cents), 0), count(*)"


def total(lake: Path) -> tuple[int, int]:
    [(cents, orders)] = read(lake, TOTAL)
    return int(cents), int(orders)


def ingest(tmp_path: Path, text: str, raw: dict[str, Any] | None = None, name: str = "orders.csv") -> IngestReport:
    return run([write(tmp_path / name, text)], tmp_path / "lake", raw)


def warned(report: IngestReport, words: str) -> bool:
    return any(words in warning for warning in report.warnings)


# --- Quotes ---


def test_quotes_that_enclose_no_cell_are_text(tmp_path: Path) -> None:
    """Inch marks and unclosed quotes in a tab-separated file would else swallow the rows between them."""
    rows = ['A\t2024-01-01\t10.00\t"Sunset', "B\t2024-01-02\t20.00\tMug", 'C\t2024-01-03\t30.00\t24" frame']
    report = ingest(tmp_path, "\n".join(["customer_id\tordered_at\torder_value\titem", *rows]) + "\n", name="o.txt")
    assert total(tmp_path / "lake") == (6000, 3)
    assert warned(report, 'say quote = ""')
    assert read(tmp_path / "lake", "item") == [('"Sunset',), ("Mug",), ('24" frame',)]


@pytest.mark.parametrize(
    "rows",
    [
        '"Z",2024-01-01,1,x\nA,2024-01-01,10,"Sunset\nB,2024-01-02,20,Mug\nC,2024-01-03,30,Tee"\n',
        '"Z",2024-01-01,1,x\nA,2024-01-01,10,"Sunset\nB,2024-01-02,20,Mug"\n',
        '"Z",2024-01-01,1,x\nA,2024-01-01,10,"Sunset\nB,2024-01-02,20,Mug\nC,2024-01-03,30,"Tee\n',
        '"Z",2024-01-01,1,x\nA,2024-01-01,10,"Sunset\nB,2024-01-02,20,Mug\n',
    ],
    ids=["two stray quotes", "over one line end", "text after the second", "never closed"],
)
def test_a_quote_that_takes_rows_into_a_cell_refuses_the_file_by_line(tmp_path: Path, rows: str) -> None:
    with pytest.raises(SourceError, match=r"orders\.csv: a quote (that )?opens in line 3"):
        ingest(tmp_path, f"{HEAD},item\n{rows}")


def test_text_after_a_closing_quote_rejects_its_row(tmp_path: Path) -> None:
    rows = ['"C1"1,2024-01-01,10', '"C1"2,2024-01-02,10', '"C2",2024-01-03,"10"5', '"C3","2024-01-04","7.50"']
    ingest(tmp_path, "\n".join([HEAD, *rows]) + "\n")
    assert total(tmp_path / "lake") == (750, 1)
    assert [(row, reason) for row, _, reason in rejects(tmp_path / "lake")] == [
        (row, "row is broken: text follows a closing quote") for row in (1, 2, 3)
    ]


def test_a_note_of_several_lines_is_one_cell(tmp_path: Path) -> None:
    text = f'{HEAD},note\nA,2024-01-01,10,"Dear all,\nplease ring,\ntwice"\nB,2024-01-02,5,\n'
    ingest(tmp_path, text)
    assert read(tmp_path / "lake", "note") == [("Dear all,\nplease ring,\ntwice",), (None,)]


def test_quote_and_escape_are_settings(tmp_path: Path) -> None:
    text = f"{HEAD},item\nA,2024-01-01,10,'it\\'s, here'\n"
    ingest(tmp_path, text, {"quote": "'", "escape": "\\"})
    assert read(tmp_path / "lake", "item") == [("it's, here",)]


# --- Numbers ---

AMOUNTS = {
    "german": (["1.234,50", "20,00", "-5,00"], 124950),
    "english": (["1,234.50", "20.00", "-5.00"], 124950),
    "french": (["1 234,50", "20,00", "-5,00"], 124950),
    "no-break space": (["1\u00a0234,50", "20,00", "\u22125,00"], 124950),
    "swiss": (["1'234.50", "CHF 20.-", "-5.00"], 124950),
    "dollar": (["$1,234.50", "$20.00", "($5.00)"], 124950),
    "trailing minus": (["1.234,50", "20,00", "5,00-"], 124950),
    "euro behind": (["1.234,50 €", "20,00 €", "-5,00 €"], 124950),
    "indian": (["1,23,456.50", "20.00", "+5.00"], 12348150),
    "thousands only": (["1.234", "1.234.567", "5,5"], 123580650),
}


@pytest.mark.parametrize(("cells", "cents"), AMOUNTS.values(), ids=AMOUNTS)
def test_amounts_as_people_write_them(tmp_path: Path, cells: list[str], cents: int) -> None:
    rows = [f"C{place};2024-01-0{place};{cell}" for place, cell in enumerate(cells, start=1)]
    report = ingest(tmp_path, "\n".join([HEAD.replace(",", ";"), *rows]) + "\n", {"currency": "EUR"})
    assert total(tmp_path / "lake")[0] == cents
    assert report.rows_rejected == 0


def test_an_amount_that_two_rules_read_is_settled_by_its_column_or_asked(tmp_path: Path) -> None:
    rows = "A;2024-01-01;1.249\nB;2024-01-02;2.500\n"
    with pytest.raises(SourceError, match=r'order_value: 2 cells like 1\.249 can mean .*decimal = "\."'):
        ingest(tmp_path, f"{HEAD.replace(',', ';')}\n{rows}")
    ingest(tmp_path, f"{HEAD.replace(',', ';')}\n{rows}", {"decimal": ","})
    assert total(tmp_path / "lake")[0] == 374900
    ingest(tmp_path, f"{HEAD.replace(',', ';')}\n{rows}", {"decimal": "."})
    assert total(tmp_path / "lake")[0] == 375
    ingest(tmp_path, f"{HEAD.replace(',', ';')}\n{rows}C;2024-01-03;0,75\n")
    assert total(tmp_path / "lake")[0] == 374975


def test_cells_of_one_column_are_read_by_one_rule_and_the_others_lost_money_is_said(tmp_path: Path) -> None:
    rows = [f"C{place},2024-01-01,10.00" for place in range(60)] + ['X,2024-01-02,"1.234,50"', "Y,2024-01-02,free"]
    report = ingest(tmp_path, "\n".join([HEAD, *rows]) + "\n", {"currency": "EUR"})
    assert total(tmp_path / "lake")[0] == 60000
    assert warned(report, "1 row rejected for an order_value that looks like an amount, about 1,234.50 EUR together")


def test_signs_of_several_currencies_in_one_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="several currencies"):
        ingest(tmp_path, f"{HEAD}\nA,2024-01-01,$10.00\nB,2024-01-01,€10.00\n")


# --- Rows that count twice ---


def test_rows_that_stand_twice_are_found_before_they_are_summed(tmp_path: Path) -> None:
    one = write(tmp_path / "jan.csv", f"{HEAD}\nA,2024-01-01 10:00:00,10.00\nB,2024-02-01 11:00:00,20.00\n")
    two = write(tmp_path / "feb.csv", f"{HEAD}\nB,2024-02-01 11:00:00,20.00\nC,2024-02-02 11:00:00,5.00\n")
    report = run([one, two], tmp_path / "lake")
    assert warned(report, "1 row stands twice, word for word (jan.csv row 2 repeats feb.csv row 1)")
    assert warned(report, "which counts 20.00 again")
    assert total(tmp_path / "lake")[0] == 5500
    run([one, two], tmp_path / "lake", {"duplicates": "drop"})
    assert total(tmp_path / "lake")[0] == 3500
    assert [reason for _, _, reason in rejects(tmp_path / "lake")] == [
        "row is a duplicate: word for word as feb.csv row 1"
    ]
    with pytest.raises(SourceError, match="1 rows stand twice"):
        run([one, two], tmp_path / "lake", {"duplicates": "refuse"})
    assert not run([one, two], tmp_path / "lake", {"duplicates": "keep"}).warnings[:-1]


LINES = "order_id,order_date,email,order_total,item,item_total\n"
REPEATED = LINES + "1,2024-01-01,a@x.test,30.00,Mug,10.00\n1,2024-01-01,a@x.test,30.00,Tee,20.00\n"
SECTION = {"customer_id": "email", "order_id": "order_id", "ordered_at": "order_date", "order_value": "order_total"}


def test_an_orders_total_on_each_of_its_lines_is_counted_once(tmp_path: Path) -> None:
    report = ingest(tmp_path, REPEATED, {"currency": "EUR", "orders": SECTION})
    assert total(tmp_path / "lake")[0] == 3000
    assert warned(report, "they repeat that row's amount")
    assert not warned(report, 'grain = "line"')
    with pytest.raises(SourceError, match=r'2\.0 times the total; say grain = "order"'):
        ingest(tmp_path, REPEATED, {"currency": "EUR", "orders": {**SECTION, "grain": "line"}})
    ingest(tmp_path, REPEATED, {"currency": "EUR", "orders": {**SECTION, "grain": "line", "equal_amounts": True}})
    assert total(tmp_path / "lake")[0] == 6000


def test_an_amount_on_the_first_line_only(tmp_path: Path) -> None:
    text = LINES + "1,2024-01-01,a@x.test,30.00,Mug,\n1,,,,Tee,\n2,2024-01-02,b@x.test,5.00,Pen,\n3,,,,Cup,\n"
    report = ingest(tmp_path, text, {"currency": "EUR", "orders": {**SECTION, "grain": "first_line"}})
    assert total(tmp_path / "lake") == (3500, 2)
    assert (report.rows_kept, report.rows_rejected) == (3, 1)


# --- Currencies ---

MIXED = f"{HEAD},currency\nA,2024-01-01,100,EUR\nB,2024-01-02,15000,JPY\nB,2024-06-02,15000,JPY\n"


def test_currencies_are_never_added_up(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"several currencies \(EUR, JPY\).*where.*rates.*lake of each"):
        ingest(tmp_path, MIXED)
    columns = {name: name for name in ("customer_id", "ordered_at", "order_value")}
    ingest(tmp_path, MIXED, {"currency": "EUR", "orders": {**columns, "where": "currency = 'EUR'"}})
    assert total(tmp_path / "lake")[0] == 10000
    rates: dict[str, Any] = {"JPY": {"2023-01-01": 0.006, "2024-06-01": 0.0059}}
    ingest(tmp_path, MIXED, {"currency": "EUR", "orders": {**columns, "currency": "currency"}, "rates": rates})
    assert total(tmp_path / "lake")[0] == 10000 + 9000 + 8850


def test_signs_in_a_column_of_their_own_are_currencies_too(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="several currencies"):
        ingest(tmp_path, f"{HEAD},currency\nA,2024-01-01,10,€\nB,2024-01-02,10,$\n")


def test_a_currency_without_a_rate_rejects_its_row(tmp_path: Path) -> None:
    columns = {name: name for name in (*HEAD.split(","), "currency")}
    ingest(tmp_path, MIXED, {"currency": "EUR", "orders": columns, "rates": {"USD": 0.9}})
    assert total(tmp_path / "lake")[0] == 10000
    assert {reason for _, _, reason in rejects(tmp_path / "lake")} == {"currency has no rate"}


def test_one_currency_in_the_file_is_that_of_the_lake(tmp_path: Path) -> None:
    report = ingest(tmp_path, f"{HEAD},Currency\nA,2024-01-01,100,JPY\n")
    assert (report.currency, total(tmp_path / "lake")[0]) == ("JPY", 100)
    with pytest.raises(SourceError, match="says JPY, the map EUR"):
        ingest(tmp_path, f"{HEAD},Currency\nA,2024-01-01,100,JPY\n", {"currency": "EUR"})


# --- Bytes ---


@pytest.mark.parametrize(
    "encoding", ["cp1252", "latin-1", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1250"]
)
def test_encodings_by_name(tmp_path: Path, encoding: str) -> None:
    name = "Zoë" if encoding != "cp1250" else "Łódź"
    (tmp_path / "o.csv").write_bytes(f"{HEAD},city\nA,2024-01-01,1.50,{name}\n".encode(encoding))
    run([tmp_path / "o.csv"], tmp_path / "lake", {"encoding": encoding})
    assert read(tmp_path / "lake", "city") == [(name,)]


def test_an_encoding_is_guessed_from_the_bytes_and_said(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(
        f"{HEAD};shop\n".replace(",", ";").encode() + "A;2024-01-05;12,50;Men\u2019s".encode("cp1252")
    )
    report = run([tmp_path / "o.csv"], tmp_path / "lake")
    assert read(tmp_path / "lake", "shop, order_value_cents") == [("Men\u2019s", 1250)]
    assert warned(report, "was read as cp1252")


@pytest.mark.parametrize(
    ("encoding", "city"),
    [
        ("cp1252", "São Paulo, Málaga"),
        ("cp1250", "Łódź, Żółć"),
        ("mac_roman", "Café München"),
        ("cp1252", "5 € pro Stück"),
    ],
)
def test_the_likeliest_code_page_is_taken(tmp_path: Path, encoding: str, city: str) -> None:
    (tmp_path / "o.csv").write_bytes(f'{HEAD},city\nA,2024-01-01,1,"{city}"\n'.encode(encoding))
    run([tmp_path / "o.csv"], tmp_path / "lake")
    assert read(tmp_path / "lake", "city") == [(city,)]


def test_a_byte_that_fits_nowhere_is_rejected_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(f"{HEAD},city\nA,2024-01-01,1,\xe9t\xe9\nB,2024-01-01,1,ok\n".encode("latin-1"))
    run([tmp_path / "o.csv"], tmp_path / "lake", {"encoding": "utf-8"})
    assert total(tmp_path / "lake")[0] == 100
    assert rejects(tmp_path / "lake") == [(1, "row", "row is broken: a byte that is not utf-8")]


# --- Days and times ---


def test_a_day_stays_in_its_day_and_month(tmp_path: Path) -> None:
    for cell in ("2024-01-01", "2024-01-01 00:00:00", "01.01.2024", "45292"):
        ingest(tmp_path, f"{HEAD}\nA,{cell},10\nB,{cell.replace('01.01', '31.01')},10\n", {"timezone": "Europe/Berlin"})
        assert read(tmp_path / "lake", "cast(min(ordered_at) as varchar)") == [("2024-01-01 00:00:00",)]
    ingest(tmp_path, f"{HEAD}\nA,2024-01-01 10:00:00,10\n", {"timezone": "Europe/Berlin"})
    assert read(tmp_path / "lake", "cast(ordered_at as varchar)") == [("2024-01-01 09:00:00",)]


@pytest.mark.parametrize("cell", ["2024-03-31 18:05:00 +0200", "2024-03-31T18:05:00+0200", "2024-03-31 16:05 UTC"])
def test_offsets_as_shops_write_them(tmp_path: Path, cell: str) -> None:
    ingest(tmp_path, f"{HEAD}\nA,{cell},10\n")
    assert read(tmp_path / "lake", "cast(ordered_at as varchar)") == [("2024-03-31 16:05:00",)]


def test_a_column_of_dates_is_read_by_one_rule(tmp_path: Path) -> None:
    report = ingest(tmp_path, f"{HEAD}\nA,05/01/2024,10\nB,25/01/2024,10\n")
    assert read(tmp_path / "lake", "month(ordered_at)") == [(1,), (1,)]
    assert warned(report, 'ordered_at was read as date_format = "%d/%m/%Y", which fits 2 of its 2 cells')
    with pytest.raises(SourceError, match=r'"%d/%m/%Y" or "%m/%d/%Y"'):
        ingest(tmp_path, f"{HEAD}\nA,05/01/2024,10\nB,06/02/2024,10\n")


@pytest.mark.parametrize(
    ("cells", "month"),
    [
        (("25/01/24", "13/02/24"), 1),
        (("1/25/2024 3:05 PM", "12/13/2024 11:00 AM"), 1),
        (("Jan 25, 2024", "Feb 3, 2024"), 1),
        (("20240105", "20241231"), 1),
        (("1704100000", "1706900000"), 1),
        (("1704100000000", "1706900000000"), 1),
        (("45292.75", "45330"), 1),
    ],
)
def test_common_forms_of_dates(tmp_path: Path, cells: tuple[str, str], month: int) -> None:
    rows = "\n".join(f'C{place},"{cell}",10' for place, cell in enumerate(cells))
    report = ingest(tmp_path, f"{HEAD}\n{rows}\n")
    assert read(tmp_path / "lake", "min(year(ordered_at)), min(month(ordered_at))") == [(2024, month)]
    assert report.rows_rejected == 0


def test_lines_may_end_in_several_ways(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(f"{HEAD}\r\nA,2024-01-01,1\nB,2024-01-02,2\rC,2024-01-03,4\r\n".encode())
    report = run([tmp_path / "o.csv"], tmp_path / "lake")
    assert (report.rows_read, total(tmp_path / "lake")[0]) == (3, 700)


def test_a_format_that_fails_names_the_one_that_fits(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="date_format = %d/%m/%Y fits every cell"):
        ingest(tmp_path, f"{HEAD}\nA,25/01/2024,10\n", {"date_format": "%m/%d/%Y"})


def test_a_stray_date_does_not_stretch_the_history(tmp_path: Path) -> None:
    rows = [f"C{day},2024-{1 + day // 28:02d}-{1 + day % 28:02d},10" for day in range(300)]
    report = ingest(tmp_path, "\n".join([HEAD, *rows, "X,2099-01-01,10"]) + "\n")
    assert (report.first_order.year, report.last_order.year, report.verdict.span_days < 400) == (2024, 2024, True)
    assert warned(report, "1 order lies far off all others (as of 2099-01-01)")


# --- Ids ---


def test_ids_are_made_one_where_the_map_says_so(tmp_path: Path) -> None:
    rows = "\n".join(
        f"{who},2024-01-0{day},5"
        for day, who in enumerate(["12346.0", "12346", "00777", "777", "Ana@x.test", "ana@x.test"], 1)
    )
    ingest(tmp_path, f"{HEAD}\n{rows}\n", {"customer_id": {"normalise": ["lower", "float", "zeros"]}})
    assert read(tmp_path / "lake", "distinct customer_id") == [("12346",), ("777",), ("ana@x.test",)]


# --- Formats ---

ROWS = [("A", "2024-01-01", 10.5), ("B", "2024-01-02", 20.0)]


def _workbook(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Orders")
        sheet.write_row(0, 0, ["Export of our shop"])
        sheet.write_row(2, 0, HEAD.split(","))
        for place, row in enumerate(ROWS, start=3):
            sheet.write_row(place, 0, row)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("2024/orders.csv", "\n".join([HEAD, *(",".join(map(str, row)) for row in ROWS)]))


DICTS = [dict(zip(HEAD.split(","), row, strict=True)) for row in ROWS]
FORMS: dict[str, Callable[[Path], object]] = {
    "book.xlsx": _workbook,
    "list.json": lambda path: path.write_text(json.dumps(DICTS)),
    "inside.json": lambda path: path.write_text(json.dumps({"count": 2, "orders": DICTS})),
    "lines.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, DICTS))),
    "lines.jsonl.gz": lambda path: path.write_bytes(gzip.compress("\n".join(map(json.dumps, DICTS)).encode())),
    "all.zip": _zip,
    "sep.csv": lambda path: path.write_text(
        "sep=;\n" + HEAD.replace(",", ";") + ";\nA;2024-01-01;10,5;\nB;2024-01-02;20,0;\n"
    ),
    "pipe.txt": lambda path: path.write_text(
        "Shop report\n\n" + HEAD.replace(",", "|") + "\nA|2024-01-01|10.5\nB|2024-01-02|20\n"
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_formats(tmp_path: Path, name: str) -> None:
    FORMS[name](tmp_path / name)
    run([tmp_path / name], tmp_path / "lake", {"currency": "EUR"})
    assert total(tmp_path / "lake") == (3050, 2)


def test_a_folder_of_all_formats_leaves_nothing_unread(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, make in FORMS.items():
        make(folder / name)
    (folder / "photo.heic").write_bytes(b"x")
    (folder / "readme.md").write_text("no data")
    report = run([folder], tmp_path / "lake", {"currency": "EUR", "duplicates": "keep"})
    assert total(tmp_path / "lake")[0] == 3050 * len(FORMS)
    assert warned(report, "photo.heic")


# --- Joins ---


def test_tables_of_their_own_are_joined_on_keys(tmp_path: Path) -> None:
    files = {
        "orders.csv": "order_id,customer_id,at,status\no1,k1,2018-01-01,ok\no2,k2,2018-02-01,ok\n"
        "o3,k3,2018-03-01,void\no4,k9,2018-04-01,ok\n",
        "customers.csv": "customer_id,person\nk1,u1\nk2,u1\nk3,u2\n",
        "payments.csv": "order_id,part,value\no1,1,30.00\no1,2,20.00\no2,1,15.50\no3,1,99.00\no4,1,1.00\n",
    }
    sources = [write(tmp_path / name, text) for name, text in files.items()]
    raw: dict[str, Any] = {
        "currency": "BRL",
        "join": [
            {"file": "customers.csv", "on": "customer_id", "take": "person"},
            {"file": "payments.csv", "on": "order_id", "sum": "value"},
        ],
        "orders": {
            "customer_id": "person",
            "order_id": "order_id",
            "ordered_at": "at",
            "order_value": "value",
            "where": "status = 'ok'",
        },
    }
    report = run(sources, tmp_path / "lake", raw)
    assert read(tmp_path / "lake", "customer_id, order_value_cents") == [("u1", 5000), ("u1", 1550)]
    assert warned(report, "3 of 4 rows found their row in customers.csv")
    assert [reason for _, _, reason in rejects(tmp_path / "lake")][-1] == "customer_id is missing"
    raw["join"][1] = {"file": "payments.csv", "on": "order_id", "take": "value"}
    with pytest.raises(SourceError, match="2 rows have order_id = o1 and differ, so the join would multiply rows"):
        run(sources, tmp_path / "lake", raw)


def test_names_of_the_programs_own_do_not_collide(tmp_path: Path) -> None:
    """Columns that are called like internal ones are data like any other."""
    head = f"{HEAD},__customer_id,__source_row,__broken,file_row_number"
    ingest(tmp_path, f"{head}\nA,2024-01-01,10,evil,9,x,7\n", {"currency": "EUR"})
    assert read(tmp_path / "lake", "customer_id, order_value_cents, __customer_id, file_row_number") == [
        ("A", 1000, "evil", "7")
    ]


def test_a_wrong_file_is_an_error_of_ours(tmp_path: Path) -> None:
    for name in ("a.csv", "b.json", "c.xlsx", "d.zip", "e.parquet", "f.jsonl"):
        (tmp_path / name).write_bytes(b"\x00\x01 not this")
        with pytest.raises(RegularsError, match=name[:1]):
            run([tmp_path / name], tmp_path / "lake", {**EUR, "orders": ORDERS})
