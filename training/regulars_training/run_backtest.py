"""A backtest from a lake, or from a public dataset's own file by its protocol."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder
from regulars.ingest.run import ingest
from regulars_training import backtest
from regulars_training.data import dataset, protocol


def run_backtest(  # noqa: PLR0913 - one plain knob each
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    sql: SqlFolder,
    *,
    horizon_days: int,
    moments: Sequence[datetime] = (),
    protocol_file: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Judge a lake at `moments` (or the newest that are possible), or a dataset as its protocol says."""
    if protocol_file is None:
        info = attach(connection, source)
        chosen = list(moments) or backtest.rolling(*dataset.history(connection), horizon_days)
        return backtest.run(connection, sql, horizon_days, chosen, info.minor_units, tell)
    fixed = protocol.read(protocol_file)
    with TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        ingest([source], lake, mapping=fixed.mapping, sql=sql, connection=connection, progress=tell)
        info = attach(connection, lake)
        return backtest.run(connection, sql, fixed.horizon_days, [fixed.as_of], info.minor_units, tell)
