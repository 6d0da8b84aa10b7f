"""Fifty inputs as shops send them: all file types, unusual names, and five that cannot be read."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Self

import duckdb

ODD = ("two words", "plus+plus", "über-größe", "日本語", "50%", "a&b", "[1]", "it's", "semi;colon", "dot.dot")
CUSTOMERS = "select 'C' || i as customer_id, '2024-01-01' as signed_up_at from range(12) as numbers(i)"
EVENTS = "select 'C3' as customer_id, '2026-01-01' as occurred_at, 'email_open' as kind from range(7)"
TOGETHER = {"orders": ["_files/a.parquet", "_files/b.tsv"], "customers": "_files/who.csv", "events": "_files/e.csv.gz"}
ROWS, OTHERS = 52, 12 + 7
"""Rows of one file of orders, and of the customers and events that a manifest also names."""

SCORED = 10
"""Customers in each input who can be scored."""


@dataclass(frozen=True)
class Input:
    """An object to put, the objects that must be there before it, and all their rows; None if it cannot be read."""

    key: str
    body: bytes
    rows: int | None = ROWS
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def below(self, prefix: str) -> Self:
        """Return the same input with its keys below a prefix."""
        beside = {f"{prefix}/{key}": body for key, body in self.beside.items()}
        return replace(self, key=f"{prefix}/{self.key}", beside=beside)


def inputs(folder: Path, prefix: str) -> list[Input]:
    """Return all inputs, with keys below a prefix; `folder` is for temporary files."""
    single = chain.from_iterable(_single(folder, seed) for seed in range(10))
    together = (_together(folder, number) for number in range(5))
    return [item.below(prefix) for item in chain(single, together, _unreadable(folder))]


def orders(seed: int) -> str:
    """Return the SELECT of fifty orders of ten customers, one row without a valid date, and one after as_of."""
    return f"""
        select 'C' || (i % {SCORED}) as customer_id, 'O' || i as order_id,
            cast(timestamp '2025-01-01' + interval (hash(i + {seed}) % 500) day as varchar) as ordered_at,
            cast(5 + hash(i * 31 + {seed}) % 100 as varchar) as order_value
        from range({SCORED * 5}) as numbers(i)
        union all select 'C-bad', 'bad', 'yesterday', '1'
        union all select 'C-late', 'late', '2030-01-01', '1'
    """


def _single(folder: Path, seed: int) -> Iterator[Input]:
    """Yield four inputs of one file each, with orders of this seed."""
    separated = {end: file_of(folder, orders(seed), f"header, delim '{mark}'") for end, mark in MARKS.items()}
    yield Input(f"{ODD[seed]}.csv", separated["csv"])
    yield Input(f"parquet/{ODD[-seed]}.parquet", file_of(folder, orders(seed), "format parquet"))
    yield Input(f"zip/{seed} {seed}.{ENDS[seed % 2]}.gz", gzip.compress(separated[ENDS[seed % 2]]))
    yield Input(f"other/{seed}+{seed}.{ENDS[seed % 3]}", separated[ENDS[seed % 3]])


MARKS = {"csv": ",", "tsv": "\t", "txt": ";"}
ENDS = ("tsv", "csv", "txt")


def _together(folder: Path, number: int) -> Input:
    """Return a manifest that names orders in two files, customers and events."""
    below, first, second = f"together/{number}", f"{orders(number)} limit 26", f"{orders(number)} limit 26 offset 26"
    beside = {
        "a.parquet": file_of(folder, first, "format parquet"),
        "b.tsv": file_of(folder, second, "header, delim '\t'"),
        "who.csv": file_of(folder, CUSTOMERS, "header"),
        "e.csv.gz": gzip.compress(file_of(folder, EVENTS, "header")),
    }
    files = {f"{below}/_files/{name}": body for name, body in beside.items()}
    return Input(f"{below}/night.manifest.json", json.dumps(TOGETHER).encode(), ROWS + OTHERS, files)


def _unreadable(folder: Path) -> Iterator[Input]:
    plain, parquet = file_of(folder, orders(0), "header"), file_of(folder, orders(0), "format parquet")
    yield Input("bad/half.parquet", parquet[: len(parquet) // 2], None)
    yield Input("bad/half.csv.gz", gzip.compress(plain)[:-100], None)
    yield Input("bad/no amount.csv", b"customer_id,ordered_at\nC1,2026-01-01\n", None)
    yield Input("bad/empty.tsv", b"", None)
    yield Input("bad/astray.manifest.json", json.dumps(TOGETHER).encode(), None)


def file_of(folder: Path, query: str, options: str) -> bytes:
    """Return a query's rows as a file: a CSV with these options of DuckDB, or another format."""
    file = folder / "rows"
    copy_options = options if options.startswith("format") else f"format csv, {options}"
    duckdb.execute(f"copy ({query}) to '{file}' ({copy_options})")
    return file.read_bytes()
