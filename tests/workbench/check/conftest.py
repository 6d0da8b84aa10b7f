"""The small shop, and a way to plant trouble in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.data.sql import SqlFolder
from regulars_workbench.check.report import CheckReport
from tests.workbench.check import lakes

Planted = Callable[[str, str], CheckReport]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop with nothing odd about it; read only."""
    folder = tmp_path_factory.mktemp("shop") / "lake"
    lakes.small_shop(folder)
    return folder


@pytest.fixture
def planted(shop: Path, tmp_path: Path, sql: SqlFolder) -> Planted:
    """`planted("orders", query)`: what a check says of the shop when that table is what the query gives."""

    def look(table: str, query: str) -> CheckReport:
        lake = lakes.copied(shop, tmp_path / "lake")
        lakes.rewrite(lake, table, query)
        return lakes.looked(lake, sql)

    return look
