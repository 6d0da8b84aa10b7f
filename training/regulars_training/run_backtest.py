"""Backtest of a lake, or of a public dataset's own file with its protocol."""

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


def run_backtest(  # noqa: PLR0913 - independent options, given by name
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    sql: SqlFolder,
    *,
    horizon_days: int,
    moments: Sequence[datetime] = (),
    protocol_file: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Backtest a lake at `moments`, by default at the newest possible ones; or a dataset, as its protocol file says."""
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
