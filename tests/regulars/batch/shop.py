"""A small shop's orders, and a reader of results."""

import uuid
from pathlib import Path
from typing import Any

import duckdb

AS_OF = "2025-07-01"
KEYS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}


def orders_sql(customers: int = 40, seed: int = 1) -> str:
    """The SELECT of a small shop's orders, with two rows that are rejected or not scored."""
    return f"""
        select 'C' || (i % {customers}) as customer_id, 'O' || i as order_id,
            cast(timestamp '2024-01-01' + interval (hash(i + {seed}) % 500) day as varchar) as ordered_at,
            cast(5 + hash(i * 31 + {seed}) % 100 as varchar) as order_value
        from range({customers * 5}) as numbers(i)
        union all select 'C-bad', 'bad', 'yesterday', '1'
        union all select 'C-late', 'late', '2025-07-02', '1'
    """


def read(content: bytes, folder: Path, query: str = "select * from {} order by all") -> list[tuple[Any, ...]]:
    """Read rows of a Parquet file's bytes."""
    file = folder / f"{uuid.uuid4().hex}.parquet"
    file.write_bytes(content)
    return duckdb.execute(query.format(f"read_parquet('{file}')")).fetchall()
