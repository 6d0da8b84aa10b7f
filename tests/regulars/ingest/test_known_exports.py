"""Every known export has a fixture of invented rows and the orders that it holds, and is read without a map."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from regulars.errors import SourceError
from regulars.expressions.compiler import Source
from regulars.ingest.exports.recognise import FOLDER, Export, known, recognise
from tests.regulars.ingest.helpers import read, run

FIXTURES = Path(__file__).parent / "exports"
KEYS = sorted(path.stem for path in FOLDER.glob("*.toml"))
each_export = pytest.mark.parametrize("key", KEYS)


def fixture(key: str) -> Path:
    """Return the export's file; the test fails by name where there is none."""
    files = [path for path in FIXTURES.glob(f"{key}.*") if path.suffix in {".csv", ".txt"}]
    assert len(files) == 1, f"tests/regulars/ingest/exports/{key}.csv or .txt is missing"
    return files[0]


def expected(key: str) -> dict[str, Any]:
    path = FIXTURES / f"{key}.json"
    assert path.exists(), f"tests/regulars/ingest/exports/{key}.json is missing"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def export(key: str) -> Export:
    return next(export for export in known() if export.key == key)


def table(key: str) -> list[list[str]]:
    """Return the fixture's cells."""
    path = fixture(key)
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".txt":
        return [line.split("\t") for line in text.splitlines()]
    return list(csv.reader(text.splitlines()))


def orders(lake: Path, columns: list[str]) -> list[list[Any]]:
    texts = [f"cast({column} as varchar)" if column == "ordered_at" else column for column in columns]
    return sorted((list(row) for row in read(lake, ", ".join(texts))), key=str)


def check(path: Path, lake: Path, key: str) -> None:
    report = run([path], lake)
    right = expected(key)
    assert report.recognised == export(key).about.name
    assert orders(lake, right["columns"]) == right["orders"]
    assert (report.currency, report.rejected) == (right["currency"], right["rejected"])


@each_export
def test_a_known_export_needs_no_map(tmp_path: Path, key: str) -> None:
    check(fixture(key), tmp_path / "lake", key)


@each_export
def test_saved_as_a_workbook_it_holds_the_same(tmp_path: Path, key: str) -> None:
    """Every row has the header's width there: what was broken by width in text is rejected for its blank cells."""
    rows = table(key)
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Export")
        for place, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                sheet.write_string(place, column, cell)
    report = run([path], tmp_path / "lake")
    right = expected(key)
    assert report.recognised == export(key).about.name
    assert orders(tmp_path / "lake", right["columns"]) == right["orders"]


@each_export
def test_without_optional_columns_nothing_is_sent_back(tmp_path: Path, key: str) -> None:
    """A file that lacks a column of refunds has no refunds in its orders' own rows."""
    optional = {name.lower() for name in export(key).mapping.optional}
    rows = table(key)
    header = next(row for row in rows if any(row))
    kept = [place for place, name in enumerate(header) if name.lower() not in optional]
    if not optional or len(kept) == len(header):
        return
    path = tmp_path / fixture(key).name
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t" if path.suffix == ".txt" else ",")
        writer.writerows([row[place] for place in kept if place < len(row)] for row in rows)
    try:
        run([path], tmp_path / "lake")
    except SourceError:  # the column was the customer's: every row is rejected
        return
    columns = expected(key)["columns"]
    returns = {row[0] for row in expected(key)["orders"] if row[-1]}
    assert {row[0] for row in orders(tmp_path / "lake", columns) if row[-1]} <= returns


@each_export
def test_no_export_is_taken_for_another(key: str) -> None:
    header = next(row for row in table(key) if any(row))
    source = Source(key, dict.fromkeys(header, "VARCHAR"))
    fitting = [other for other in known() if all(source.column(name) for name in other.about.headers)]
    most = max(len(other.about.headers) for other in fitting)
    assert [other.key for other in fitting if len(other.about.headers) == most] == [key]


@each_export
def test_a_map_that_is_printed_says_all_rules(key: str) -> None:
    """What ingest prints is a map that a user can change: without the table [export], with the comments."""
    text = export(key).text
    assert "[export]" not in text
    assert "[orders]" in text
    assert text.startswith("# ")


def test_a_report_without_buyers_is_refused_with_the_reports_that_have_them() -> None:
    headers = [name for name in table("amazon_all_orders")[0] if name != "buyer-email"]
    with pytest.raises(SourceError, match=r"names no buyers.*take the Amazon Fulfilled Shipments report"):
        recognise([Source("all.txt", dict.fromkeys(headers, "VARCHAR"))])


def test_an_unknown_export_names_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("who,when,how much\nA,2024-01-01,1.00\n", encoding="utf-8")
    with pytest.raises(
        SourceError, match=r'no column "customer_id".*"regulars map shop\.csv --out my\.toml" drafts a map'
    ):
        run([tmp_path / "shop.csv"], tmp_path / "lake")
