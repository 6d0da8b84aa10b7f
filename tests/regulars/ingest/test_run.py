"""Ingest: given files, the lake's rows."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from regulars.data import lake as lakes
from regulars.data.schema import minor_units
from regulars.ingest.mapping import parse
from regulars.ingest.run import ingest
from tests.regulars.ingest.helpers import EUR, ORDERS, SQL, parquet, read, run, write

VALUES = "customer_id, order_value_cents"


def utc(day: int, hour: int = 0) -> datetime:
    """Give a time of January 2024 as the lake has it: UTC without saying so."""
    return datetime(2024, 1, day, hour, tzinfo=UTC).replace(tzinfo=None)


def test_three_columns_are_enough(tmp_path: Path) -> None:
    source = write(
        tmp_path / "o.csv", "customer_id,ordered_at,order_value\nb,2024-01-02 10:00:00,1.005\na,2024-01-01,-2.5\n"
    )
    report = run([source], tmp_path / "lake")
    assert read(tmp_path / "lake", "customer_id, ordered_at, order_value_cents, is_return, quantity") == [
        ("a", utc(1), -250, True, None),
        ("b", utc(2, 10), 101, False, None),
    ]
    assert (report.orders, report.returns, report.customers) == (1, 1, 2)
    assert any("currency" in warning for warning in report.warnings)


def test_the_lake_is_what_the_sql_views_expect(tmp_path: Path) -> None:
    run([write(tmp_path / "o.csv", "who,at,value\na,2024-01-01,3\n")], tmp_path / "lake", EUR)
    with duckdb.connect() as connection:
        info = lakes.attach(connection, tmp_path / "lake")
        assert connection.execute("select order_value_cents, ordered_at_day from orders").fetchall() == [(300, 19723)]
    assert (info.currency, info.minor_units, info.tables["orders"].rows) == ("EUR", 2, 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("comma.csv", 'who,at,value,note\na,2024-01-01,3,"x, ""y""\nz"\n'),
        ("semicolon.csv", "who;at;value;note\na;2024-01-01;3;x,y\n"),
        ("tab.tsv", "who\tat\tvalue\tnote\na\t2024-01-01\t3\tx\n"),
        ("bom.txt", "\ufeffwho,at,value,note\r\na,2024-01-01,3,x\r\n"),
        ("quoted.csv", '"who","at","value","a\nnote"\n"a","2024-01-01","3","5"" nail"\n'),
        ("stray.csv", 'who,at,value,note\na,2024-01-01,3,5" nail\n'),
    ],
)
def test_csv_as_it_comes(tmp_path: Path, name: str, text: str) -> None:
    report = run([write(tmp_path / name, text)], tmp_path / "lake", EUR)
    assert read(tmp_path / "lake", VALUES) == [("a", 300)]
    assert report.rows_rejected == 0


def test_gzip_latin_1_and_utf_16(tmp_path: Path) -> None:
    text = "who,at,value\nJos\u00e9,2024-01-01,3\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "b.csv").write_bytes(text.encode("latin-1"))
    (tmp_path / "c.csv").write_bytes(text.encode("utf-16"))
    report = run([tmp_path / name for name in ("a.csv.gz", "b.csv", "c.csv")], tmp_path / "lake", EUR)
    assert read(tmp_path / "lake", VALUES) == [("Jos\u00e9", 900)]
    assert [warning for warning in report.warnings if "b.csv is not UTF-8 and was read as cp1252" in warning]


def test_parquet_of_text_and_of_types(tmp_path: Path) -> None:
    text = parquet(tmp_path / "text.parquet", "select '7' as who, '2024-01-01 10:00' as at, '3.10' as value")
    typed = "select cast(7 as double) as who, timestamp '2024-01-02' as at, cast(3.1 as decimal(9, 2)) as value"
    run([text, parquet(tmp_path / "typed.parquet", typed)], tmp_path / "lake", EUR)
    assert read(tmp_path / "lake", VALUES) == [("7", 310), ("7", 310)]


@pytest.mark.parametrize(
    ("timezone", "cell", "hour"),
    [
        ("UTC", "2024-07-01 12:00:00", 12),
        ("Europe/Berlin", "2024-07-01 12:00:00", 10),
        ("Europe/Berlin", "2024-01-01 12:00:00", 11),
        ("Europe/Berlin", "2024-07-01T12:00:00Z", 12),
        ("UTC", "2024-07-01T12:00:00+05:00", 7),
    ],
)
def test_times_become_utc(tmp_path: Path, timezone: str, cell: str, hour: int) -> None:
    source = write(tmp_path / "o.csv", f"who,at,value\na,{cell},3\n")
    run([source], tmp_path / "lake", {**EUR, "timezone": timezone})
    assert read(tmp_path / "lake", "hour(ordered_at)") == [(hour,)]


def test_a_date_format_is_followed(tmp_path: Path) -> None:
    source = write(tmp_path / "o.csv", "who,at,value\na,31/12/2023 8:05,3\n")
    run([source], tmp_path / "lake", {**EUR, "date_format": "%d/%m/%Y %H:%M"})
    assert read(tmp_path / "lake", "strftime(ordered_at, '%Y-%m-%d %H:%M')") == [("2023-12-31 08:05",)]


def test_a_currency_has_its_own_minor_unit(tmp_path: Path) -> None:
    source = write(tmp_path / "o.csv", "who,at,value\na,2024-01-01,2.5\nb,2024-01-01,-2.5\n")
    run([source], tmp_path / "lake", {**EUR, "currency": "JPY"})
    assert read(tmp_path / "lake", VALUES) == [("a", 3), ("b", -3)]


def test_lines_become_orders_with_attributes(tmp_path: Path) -> None:
    lines = ["1,a,2024-01-01 10:00,2,1.50,UK", "1,a,2024-01-01 10:00,1,4,UK", "C2,a,2024-01-02,1,4,UK"]
    text = "\n".join(["inv,cust,at,qty,price,land", *lines])
    columns = {"customer_id": "cust", "order_id": "inv", "ordered_at": "at", "order_value": "qty * price"}
    rules = {
        "quantity": "qty",
        "is_return": "starts_with(inv, 'C')",
        "grain": "line",
        "attributes": {"country": "land"},
    }
    report = run(
        [write(tmp_path / "lines.csv", text)], tmp_path / "lake", {"currency": "GBP", "orders": columns | rules}
    )
    assert read(tmp_path / "lake", "order_id, order_value_cents, quantity, is_return, country") == [
        ("1", 700, 3.0, False, "UK"),
        ("C2", -400, -1.0, True, "UK"),
    ]
    assert (report.rows_read, report.rows_kept, report.tables) == (3, 3, {"orders": 2})


def test_an_order_id_of_several_customers_is_kept_apart_and_told(tmp_path: Path) -> None:
    source = write(tmp_path / "o.csv", "who,at,value,id\na,2024-01-01,1,7\nb,2024-01-01,2,7\n")
    report = run([source], tmp_path / "lake", {**EUR, "orders": {**ORDERS, "order_id": "id", "grain": "line"}})
    assert read(tmp_path / "lake", VALUES) == [("a", 100), ("b", 200)]
    assert any("1 order id of several customers; each" in warning for warning in report.warnings)


def test_files_find_their_tables_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    write(folder / "shop.csv", "customer_id,ordered_at,order_value\na,2024-01-01,1\n")
    write(folder / "customers.csv", "customer_id,signed_up_at,acquisition_cost,tier\na,2023-12-01,7.5,gold\nb,,,\n")
    write(
        folder / "events" / "2024.csv",
        "customer_id,occurred_at,kind\na,2024-01-01,email_open\na,2024-01-01,email_open\n",
    )
    write(folder / "treatments-1.csv", "customer_id,treated_at,action,arm,cost\na,2024-02-01,voucher,Treated,5\n")
    write(folder / "readme.md", "no table")
    report = run([folder], tmp_path / "lake")
    assert report.tables == {"orders": 1, "customers": 2, "events": 2, "treatments": 1}
    assert read(tmp_path / "lake", "customer_id, acquisition_cost_cents, tier", "customers") == [
        ("a", 750, "gold"),
        ("b", None, None),
    ]
    assert read(tmp_path / "lake", "arm, cost_cents", "treatments") == [("treated", 500)]


def test_a_section_chooses_its_files_and_the_rest_is_told(tmp_path: Path) -> None:
    write(tmp_path / "in" / "sales-1.csv", "who,at,value\na,2024-01-01,1\n")
    write(tmp_path / "in" / "people.csv", "id\na\n")
    write(tmp_path / "in" / "notes.csv", "text\nx\n")
    sections = {
        "orders": {**ORDERS, "files": ["sales*.csv"]},
        "customers": {"customer_id": "id", "files": ["people.csv"]},
    }
    report = run([tmp_path / "in"], tmp_path / "lake", {"currency": "EUR", **sections})
    assert report.tables == {"orders": 1, "customers": 1}
    assert any("in/notes.csv belongs to no section" in warning for warning in report.warnings)


def test_without_a_map_files_are_united_by_column_name(tmp_path: Path) -> None:
    header = "customer_id,ordered_at,order_value"
    one = write(tmp_path / "1.csv", f"{header},Shop\na,2024-01-01,1,north\n")
    two = write(tmp_path / "2.csv", f"order_id,{header}\n9,b,2024-01-01,2\n")
    run([one, two], tmp_path / "lake")
    assert read(tmp_path / "lake", "customer_id, Shop") == [("a", "north"), ("b", None)]


def test_a_rerun_gives_the_same_bytes_and_a_shuffled_input_the_same_rows(tmp_path: Path) -> None:
    rows = [f"c{number % 7},2024-01-{number % 28 + 1:02d},{number}.1" for number in range(500)]
    whole = [write(tmp_path / "a.csv", "\n".join(["who,at,value", *rows]))]
    parts = [write(tmp_path / "x" / f"{n}.csv", "\n".join(["who,at,value", *rows[n::3]])) for n in (2, 0, 1)]
    for name, sources in {"first": whole, "again": whole, "shuffled": parts}.items():
        run(sources, tmp_path / name, EUR)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*"))
    assert [str(file) for file in files] == [
        "ingest_report.json",
        "lake.json",
        "orders/orders.parquet",
        "rejects/orders.parquet",
    ]
    assert all((tmp_path / "first" / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)
    assert read(tmp_path / "first", "*") == read(tmp_path / "shuffled", "*")


def test_a_brought_connection_keeps_its_settings(tmp_path: Path) -> None:
    source = write(tmp_path / "o.csv", "customer_id,ordered_at,order_value\na,2024-01-01,1\n")
    steps: list[str] = []
    with duckdb.connect(config={"preserve_insertion_order": False, "memory_limit": "200MB"}) as connection:
        ingest([source], tmp_path / "lake", sql=SQL, connection=connection, progress=steps.append)
        assert connection.execute("select current_setting('preserve_insertion_order')").fetchall() == [(False,)]
    assert steps == ["looking at o.csv", "reading o.csv as orders", "writing orders"]


@pytest.mark.parametrize(("customers", "orders_each", "trainable"), [(120, 2, True), (120, 1, False), (50, 3, False)])
def test_the_verdict_asks_for_customers_repeats_and_span(
    tmp_path: Path,
    customers: int,
    orders_each: int,
    *,
    trainable: bool,
) -> None:
    rows = [
        f"c{who},2024-{month + 1:02d}-{who % 28 + 1:02d},5" for who in range(customers) for month in range(orders_each)
    ]
    verdict = run([write(tmp_path / "o.csv", "\n".join(["who,at,value", *rows]))], tmp_path / "lake", EUR).verdict
    assert (verdict.trainable, verdict.customers, verdict.horizon_days) == (
        trainable,
        customers,
        verdict.span_days // 3,
    )
    assert verdict.repeat_rate == (1.0 if orders_each > 1 else 0.0)


def test_a_draft_has_the_same_rows_and_only_the_columns_that_features_read(tmp_path: Path) -> None:
    text = "who,at,value,number,note\nb,2024-01-02,1.5,2,x\na,2024-01-01,3,1,y\na,2024-01-01,3,1,y\n"
    raw = EUR | {"orders": {**ORDERS, "order_id": "number"}}
    source = write(tmp_path / "o.csv", text)
    whole = run([source], tmp_path / "whole", raw)
    drafted = ingest([source], tmp_path / "draft", mapping=parse(raw), sql=SQL, draft=True)
    assert drafted == whole
    assert sorted(read(tmp_path / "draft", VALUES)) == read(tmp_path / "whole", VALUES) == [("a", 300), ("b", 150)]
    assert {"order_id", "note"}.isdisjoint(columns(tmp_path / "draft"))
    assert {"customer_id", "ordered_at", "is_return", "discount_cents", "margin_cents"} <= columns(tmp_path / "draft")


def columns(lake: Path) -> set[str]:
    with duckdb.connect() as connection:
        found = connection.execute(f"describe select * from read_parquet('{lake}/orders/*.parquet')").fetchall()
    return {row[0] for row in found}


@pytest.mark.parametrize("currency", ["JPY", "EUR", "BHD"])
def test_money_is_rounded_as_decimals_are(tmp_path: Path, currency: str) -> None:
    """Halves of the last unit, either sign, up to amounts that only a long decimal holds."""
    scale = 10 ** minor_units(currency)
    amounts = (
        "select cast(i as double) * 0.0005 as x from range(-20000, 20000) t(i) "
        "union all select (i - 50) * pow(10, i % 12) + 0.005 from range(100) t(i) "
        "union all select unnest([1.005, -1.005, 2.675, 999999999999.999, 1e12, -1e12, 2500000000000.125])"
    )
    inside = f"select * from ({amounts}) where abs(x) < {10**15 // scale}"
    rows = f"select 'c' || row_number() over () as who, date '2024-01-01' as at, x as value from ({inside})"
    source = parquet(tmp_path / "o.parquet", rows)
    report = run([source], tmp_path / "lake", EUR | {"currency": currency})
    with duckdb.connect() as connection:
        exact = f"cast(round(cast(value as decimal(28, 6)) * {scale}) as bigint)"
        wanted = connection.execute(f"select who, {exact} from '{source}' order by who").fetchall()
    assert report.rows_rejected == 0
    assert sorted(read(tmp_path / "lake", VALUES)) == wanted


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "timestamp_s", "timestamp_ms", "timestamp_ns", "date"])
@pytest.mark.parametrize("timezone", ["UTC", "Etc/UTC", "Europe/Berlin"])
def test_times_of_every_type_become_utc(tmp_path: Path, kind: str, timezone: str) -> None:
    moments = "unnest(['2024-03-31 01:30:00', '2024-07-01 00:00:00', '1970-01-02 00:00:00', 'infinity']::timestamp[])"
    numbered = f"select 'c' || row_number() over () as who, m from (select {moments} as m)"
    rows = f"select who, cast(m as {kind}) as moment, 1 as value from ({numbered})"
    source = tmp_path / "o.parquet"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"copy ({rows}) to '{source}' (format parquet)")
        connection.execute(f"set timezone = '{timezone}'")
        utc_of = "cast(cast(moment as timestamptz) at time zone 'UTC' as timestamp)"
        if kind == "date":  # a day is no instant: it stays that day in every zone
            utc_of = "cast(moment as timestamp)"
        wanted = connection.execute(
            f"select who, {utc_of} from '{source}' where isfinite(moment) order by who"
        ).fetchall()
    report = run(
        [source], tmp_path / "lake", EUR | {"timezone": timezone, "orders": {**ORDERS, "ordered_at": "moment"}}
    )
    assert sorted(read(tmp_path / "lake", "customer_id, ordered_at")) == wanted
    assert report.rejected == {"ordered_at is implausible, before 1970 or after 2199": 1}
