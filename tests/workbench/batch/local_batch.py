"""`regulars batch` as the tests call it."""

from pathlib import Path
from typing import Any

import duckdb

from regulars_workbench.batch.resources import Resources
from regulars_workbench.batch.run import Run
from regulars_workbench.batch.source import open_source
from tests.regulars.batch.shop import AS_OF


def silent(*_: Any) -> None:
    """Show no progress."""


def batch(source: Path, bundle: Path, out: Path, *, at_once: int = 40_960, threads: int = 1, csv: bool = False) -> Any:
    opened = open_source(source, as_of=AS_OF, map_file=None, csv=csv)
    return Run(opened, bundle, out, Resources(threads, at_once=at_once), silent)()


def rows(file: Path) -> list[tuple[Any, ...]]:
    return duckdb.execute(f"select * from read_parquet('{file}') order by all").fetchall()
