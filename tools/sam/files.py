"""Fifty inputs as shops put them: of all kinds, with odd names, and five that nobody can read."""

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
"""Rows of one file of orders, and of the customers and events that a manifest names beside it."""

SCORED = 10
"""Customers of each input who can be scored."""


@dataclass(frozen=True)
class Input:
    """An object to put, what must lie beside it before, and the rows of all that; None where it cannot be read."""

    key: str
    body: bytes
    rows: int | None = ROWS
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def below(self, prefix: str) -> Self:
        """Return the same with its keys below a prefix."""
        beside = {f"{prefix}/{key}": body for key, body in self.beside.items()}
        return replace(self, key=f"{prefix}/{self.key}", beside=beside)


def inputs(folder: Path, prefix: str) -> list[Input]:
    """Return all of them, with keys below a prefix; `folder` is for what is made on the way."""
    single = chain.from_iterable(_single(folder, seed) for seed in range(10))
    together = (_together(folder, number) for number in range(5))
    return [each.below(prefix) for each in chain(single, together, _unreadable(folder))]


def orders(seed: int) -> str:
    """Return the SELECT of ten customers' fifty orders, one row that no date parses, and one customer too late."""
    return f"""
        select 'C' || (i % {SCORED}) as customer_id, 'O' || i as order_id,
            cast(timestamp '2025-01-01' + interval (hash(i + {seed}) % 500) day as varchar) as ordered_at,
            cast(5 + hash(i * 31 + {seed}) % 100 as varchar) as order_value
        from range({SCORED * 5}) as numbers(i)
        union all select 'C-bad', 'bad', 'yesterday', '1'
        union all select 'C-late', 'late', '2030-01-01', '1'
    """


def _single(folder: Path, seed: int) -> Iterator[Input]:
    """Four inputs of one file each, of orders of their own."""
    separated = {end: written(folder, orders(seed), f"header, delim '{mark}'") for end, mark in MARKS.items()}
    yield Input(f"{ODD[seed]}.csv", separated["csv"])
    yield Input(f"parquet/{ODD[-seed]}.parquet", written(folder, orders(seed), "format parquet"))
    yield Input(f"zip/{seed} {seed}.{ENDS[seed % 2]}.gz", gzip.compress(separated[ENDS[seed % 2]]))
    yield Input(f"other/{seed}+{seed}.{ENDS[seed % 3]}", separated[ENDS[seed % 3]])


MARKS = {"csv": ",", "tsv": "\t", "txt": ";"}
ENDS = ("tsv", "csv", "txt")


def _together(folder: Path, number: int) -> Input:
    """Orders in two files, customers and events, named by a manifest."""
    below, first, second = f"together/{number}", f"{orders(number)} limit 26", f"{orders(number)} limit 26 offset 26"
    beside = {
        "a.parquet": written(folder, first, "format parquet"),
        "b.tsv": written(folder, second, "header, delim '\t'"),
        "who.csv": written(folder, CUSTOMERS, "header"),
        "e.csv.gz": gzip.compress(written(folder, EVENTS, "header")),
    }
    files = {f"{below}/_files/{name}": body for name, body in beside.items()}
    return Input(f"{below}/night.manifest.json", json.dumps(TOGETHER).encode(), ROWS + OTHERS, files)


def _unreadable(folder: Path) -> Iterator[Input]:
    plain, parquet = written(folder, orders(0), "header"), written(folder, orders(0), "format parquet")
    yield Input("bad/half.parquet", parquet[: len(parquet) // 2], None)
    yield Input("bad/half.csv.gz", gzip.compress(plain)[:-100], None)
    yield Input("bad/no amount.csv", b"customer_id,ordered_at\nC1,2026-01-01\n", None)
    yield Input("bad/empty.tsv", b"", None)
    yield Input("bad/astray.manifest.json", json.dumps(TOGETHER).encode(), None)


def written(folder: Path, query: str, options: str) -> bytes:
    """Write a query's rows with DuckDB's options of a CSV file, or in another format, and return the file's bytes."""
    file = folder / "written"
    form = options if options.startswith("format") else f"format csv, {options}"
    duckdb.execute(f"copy ({query}) to '{file}' ({form})")
    return file.read_bytes()
