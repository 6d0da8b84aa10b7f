"""Rejects: each bad row once, with the file, the row, the field and the reason; and the counts always add up."""

import json
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import examples
from tests.regulars.ingest.helpers import EUR, ORDERS, parquet, read, rejects, run, write

GOOD = "ok,2024-01-01,1"


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (",2024-01-02,3", "customer_id", "customer_id is missing"),
        ("  ,2024-01-02,3", "customer_id", "customer_id is missing"),
        ("a,,3", "ordered_at", "ordered_at is missing"),
        ("a,1/2/2024,3", "ordered_at", "ordered_at does not parse: at = '1/2/2024' (expected ISO form such as"),
        ("a,2024-02-30,3", "ordered_at", "ordered_at does not parse: at = '2024-02-30'"),
        ("a,1899-12-30,3", "ordered_at", "ordered_at is implausible, before 1970 or after 2199: at = '1899-12-30'"),
        ("a,9999-12-31,3", "ordered_at", "ordered_at is implausible"),
        ("a,2024-01-02,", "order_value", "order_value is missing"),
        ("a,2024-01-02,free", "order_value", "order_value is not a number: value = 'free'"),
        ("a,2024-01-02,nan", "order_value", "order_value is not a finite number: value = 'nan'"),
        ("a,2024-01-02,-inf", "order_value", "order_value is not a finite number"),
        ("a,2024-01-02,1e30", "order_value", "order_value is too large: value = '1e30'"),
        ("a,2024-01-02", "row", "row is broken: fewer than 3 cells"),
        ("a,2024-01-02,3,4,5", "row", "row is broken: more than 3 cells"),
        ("test,2024-01-02,3", "where", "excluded by where: no test accounts"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason(tmp_path: Path, row: str, field: str, reason: str) -> None:
    source = write(tmp_path / "o.csv", f"who,at,value\n{GOOD}\n{row}\n{GOOD}\n")
    rules = {"where": {"no test accounts": "who <> 'test'"}}
    report = run([source], tmp_path / "lake", {**EUR, "orders": {**ORDERS, **rules}})
    [(file, number, named, why)] = rejects(tmp_path / "lake", "source_file, source_row, field, reason")
    assert (file, number, named) == ("o.csv", 2, field)
    assert why.startswith(reason)
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (3, 2, 1)
    [(kind, count)] = report.files[0].rejected.items()
    assert (why.startswith(kind), count) == (True, 1)


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("order_id", "", "order_id is missing"),
        ("quantity", "many", "quantity is not a number: extra = 'many'"),
        ("discount", "1e30", "discount is too large"),
        ("is_return", "maybe", "is_return is not a flag: extra = 'maybe' (expected true or false)"),
    ],
)
def test_a_bad_optional_cell_rejects_its_row(tmp_path: Path, column: str, cell: str, reason: str) -> None:
    source = write(tmp_path / "o.csv", f"who,at,value,extra\na,2024-01-01,1,1\na,2024-01-02,1,{cell}\n")
    run([source], tmp_path / "lake", {**EUR, "orders": {**ORDERS, column: "extra"}})
    [(number, field, why)] = rejects(tmp_path / "lake")
    assert (number, field) == (2, column)
    assert why.startswith(reason)


def test_the_arm_of_a_treatment_is_treated_or_control(tmp_path: Path) -> None:
    orders = write(tmp_path / "orders.csv", "customer_id,ordered_at,order_value\na,2024-01-01,1\n")
    text = "customer_id,treated_at,action,arm\na,2024-01-01,mail,control\nb,2024-01-01,mail,placebo\n"
    run([orders, write(tmp_path / "treatments.csv", text)], tmp_path / "lake")
    [(_, field, reason)] = rejects(tmp_path / "lake", table="treatments")
    assert (field, reason) == ("arm", "arm is neither treated nor control: arm = 'placebo'")


def test_a_reject_carries_its_source_row_and_every_operand(tmp_path: Path) -> None:
    source = write(tmp_path / "o.csv", 'who,at,qty,price\na,2024-01-01,2,1\na,2024-01-01,two,"1,5"\n')
    columns = {"customer_id": "who", "ordered_at": "at", "order_value": "qty * price"}
    run([source], tmp_path / "lake", {"currency": "EUR", "orders": columns})
    [(reason, row)] = rejects(tmp_path / "lake", "reason, row")
    assert reason == "order_value is not a number: qty = 'two', price = '1,5'"
    assert json.loads(row) == {"who": "a", "at": "2024-01-01", "qty": "two", "price": "1,5"}


def test_a_rule_that_cannot_tell_leaves_the_reason_to_the_bad_cell(tmp_path: Path) -> None:
    source = write(tmp_path / "o.csv", "who,at,value\na,2024-01-01,1\na,2024-01-01,x\na,2024-01-01,0\n")
    run([source], tmp_path / "lake", {**EUR, "orders": {**ORDERS, "where": "value > 0"}})
    assert [(row, field) for row, field, _ in rejects(tmp_path / "lake")] == [(2, "order_value"), (3, "where")]


def test_a_repeated_order_id_keeps_the_first_and_hints_at_lines(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", "who,at,value,id\na,2024-01-01,1,7\na,2024-01-01,2,7\n")
    two = write(tmp_path / "2.csv", "who,at,value,id\na,2024-01-01,4,7\na,2024-01-03,-1,7\n")
    report = run([one, two], tmp_path / "lake", {**EUR, "orders": {**ORDERS, "order_id": "id"}})
    assert read(tmp_path / "lake", "order_value_cents") == [(100,), (-100,)]
    found = rejects(tmp_path / "lake", "source_file, source_row, reason, row->>'value'")
    assert found == [
        ("1.csv", 2, "order_id is a duplicate: 7 first seen at 1.csv row 1", "2"),
        ("2.csv", 1, "order_id is a duplicate: 7 first seen at 1.csv row 1", "4"),
    ]
    assert any('grain = "line"' in warning for warning in report.warnings)


def test_a_repeated_customer_keeps_the_first(tmp_path: Path) -> None:
    orders = write(tmp_path / "orders.csv", "customer_id,ordered_at,order_value\na,2024-01-01,1\n")
    customers = write(tmp_path / "customers.csv", "customer_id,acquisition_cost\na,1\na,2\n")
    run([orders, customers], tmp_path / "lake")
    assert read(tmp_path / "lake", "acquisition_cost_cents", "customers") == [(100,)]
    assert rejects(tmp_path / "lake", table="customers") == [
        (2, "customer_id", "customer_id is a duplicate: a first seen at customers.csv row 1")
    ]


def test_rows_are_numbered_across_blank_and_broken_lines(tmp_path: Path) -> None:
    text = 'who,at,value\n"a\nb",2024-01-01,1\n\nx,y\na,2024-01-01,bad\n'
    run([write(tmp_path / "o.csv", text)], tmp_path / "lake", EUR)
    # A blank line is no data row; a quoted line end does not begin one.
    assert [(row, field) for row, field, _ in rejects(tmp_path / "lake")] == [(2, "row"), (3, "order_value")]


def test_many_rejects_warn(tmp_path: Path) -> None:
    report = run([write(tmp_path / "o.csv", f"who,at,value\n{GOOD}\na,b,c\n")], tmp_path / "lake", EUR)
    assert any("50% of the rows of o.csv were rejected" in warning for warning in report.warnings)


CELL = st.sampled_from(
    ["", " ", "a", "2024-01-01", "2024-13-01", "1", "-2.5", "nan", "x,y", 'q"q', "l\nl", "1e300", "7"]
)
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=12)


def _csv(rows: list[list[str]]) -> str:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return "\n".join(["who,at,value,id", "good,2024-01-01,1,first", *quoted]) + "\n"


@settings(max_examples=examples(0.4), deadline=None)
@given(first=ROWS, second=ROWS, by_line=st.booleans())
def test_every_row_is_kept_or_rejected_and_none_twice(
    first: list[list[str]], second: list[list[str]], *, by_line: bool
) -> None:
    section = {**ORDERS, "order_id": "id", "grain": "line" if by_line else "order", "where": {"not x": "who <> 'x,y'"}}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sources = [write(root / "1.csv", _csv(first)), write(root / "2.csv", _csv(second))]
        report = run(sources, root / "lake", {**EUR, "orders": section})
        found = rejects(root / "lake", "source_file, source_row")
        with duckdb.connect() as connection:
            kept = connection.execute(f"select count(*) from read_parquet('{root}/lake/orders/*.parquet')").fetchall()[
                0
            ][0]
    for file, rows in zip(report.files, (first, second), strict=True):
        assert file.rows_read == len(rows) + 1 == file.rows_kept + sum(file.rejected.values())
        assert sum(file.rejected.values()) == len([one for one in found if one[0] == file.file])
    assert len(set(found)) == len(found) == report.rows_rejected
    assert kept == report.rows_kept if not by_line else kept <= report.rows_kept


def test_nan_is_nobody(tmp_path: Path) -> None:
    """Tools that keep ids with gaps as floats write NaN for a customer who is not known."""
    ids = "select unnest(['nan'::double, 'inf'::double, null, 7.0]) as who, date '2024-01-01' as at, 1.5 as value"
    run([parquet(tmp_path / "o.parquet", ids)], tmp_path / "lake", EUR)
    assert read(tmp_path / "lake", "customer_id") == [("7",)]
    assert rejects(tmp_path / "lake", "distinct reason") == [("customer_id is missing",)]
