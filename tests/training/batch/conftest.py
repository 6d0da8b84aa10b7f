"""What the tests of `regulars batch` are held against."""

from pathlib import Path

import duckdb
import pytest
from regulars import scoring
from regulars.features import parse_as_of
from regulars.loader import ModelLoader

from tests.batch.shop import AS_OF


@pytest.fixture
def alone(lake: Path, loader: ModelLoader, tmp_path: Path) -> Path:
    """The lake's scores by `regulars score`."""
    with duckdb.connect() as connection:
        scoring.score(connection, lake, loader, parse_as_of(AS_OF), tmp_path / "alone.parquet")
    return tmp_path / "alone.parquet"
