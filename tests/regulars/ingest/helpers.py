"""What the tests of ingest share: write sources, ingest them, read the lake back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from regulars.data.sql import SqlFolder
from regulars.ingest.mapping import parse
from regulars.ingest.report import IngestReport
from regulars.ingest.run import ingest

SQL = SqlFolder(Path(__file__).parents[3] / "sql")
ORDERS = {"customer_id": "who", "ordered_at": "at", "order_value": "value"}
EUR: dict[str, Any] = {"currency": "EUR", "orders": ORDERS}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def parquet(path: Path, query: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


def run(sources: Sequence[Path], lake: Path, raw: dict[str, Any] | None = None) -> IngestReport:
    return ingest(sources, lake, mapping=parse(raw or {}), sql=SQL)


def read(lake: Path, columns: str, table: str = "orders") -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from read_parquet('{lake}/{table}/*.parquet')").fetchall()


def rejects(lake: Path, columns: str = "source_row, field, reason", table: str = "orders") -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from read_parquet('{lake}/rejects/{table}.parquet')").fetchall()
