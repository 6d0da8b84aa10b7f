"""The reference for the tests of `regulars batch`."""

from pathlib import Path

import duckdb
import pytest

from regulars.instants import parse_as_of
from regulars.models.loader import ModelLoader
from regulars.scoring import score
from tests.regulars.batch.shop import AS_OF


@pytest.fixture
def alone(lake: Path, loader: ModelLoader, tmp_path: Path) -> Path:
    """The lake's scores by `regulars score`."""
    with duckdb.connect() as connection:
        score.score(connection, lake, loader, parse_as_of(AS_OF), tmp_path / "alone.parquet")
    return tmp_path / "alone.parquet"
