"""Files and folders of any name: what DuckDB would take for a pattern is a name like any other."""

from pathlib import Path

import duckdb
import pytest

from regulars.data import lake as lakes
from tests.regulars.ingest.helpers import EUR, ORDERS, parquet, read, run, write


@pytest.mark.parametrize(
    "name", ["o[1].csv", "o*.csv", "o?.csv", "ex[1]/o.csv", "ex*/o.csv", "customer_id=7/o.csv", "o[1].parquet"]
)
def test_a_file_is_read_by_its_name_and_no_other(tmp_path: Path, name: str) -> None:
    """To DuckDB `o[1].csv` is a glob that matches `o1.csv`."""
    for other in ("o1.csv", "o2.csv", "ex1/o.csv"):
        write(tmp_path / other, "customer_id,ordered_at,order_value\nother,2024-01-01,9\n")
    source = tmp_path / name
    if name.endswith("csv"):
        write(source, "customer_id,ordered_at,order_value\na,2024-01-01,1\n")
    else:
        parquet(source, "select 'a' as customer_id, '2024-01-01' as ordered_at, 1 as order_value")
    run([source], tmp_path / "lk")
    assert read(tmp_path / "lk", "customer_id, order_value_cents") == [("a", 100)]


@pytest.mark.parametrize("name", ["lk[1]", "lk*", "lk?", "pos=1"])
def test_a_lake_may_have_any_name(tmp_path: Path, name: str) -> None:
    text = "who,at,value,id\na,2024-01-01,1,7\nb,2024-01-01,2,7\na,2024-01-01,x,8\n"
    by_line = {**ORDERS, "order_id": "id", "grain": "line"}
    report = run([write(tmp_path / "o.csv", text)], tmp_path / name, {**EUR, "orders": by_line})
    assert (report.customers, report.rows_rejected) == (2, 1)
    with duckdb.connect() as connection:
        assert lakes.attach(connection, tmp_path / name).tables["orders"].rows == 2
        assert connection.execute("select count(*) from orders").fetchall() == [(2,)]
