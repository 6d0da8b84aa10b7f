"""The small shop, and a way to plant defects in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.data.sql import SqlFolder
from regulars_workbench.check.report import CheckReport
from tests.workbench.check import lakes

Planted = Callable[[str, str], CheckReport]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small shop with nothing odd; read only."""
    folder = tmp_path_factory.mktemp("shop") / "lake"
    lakes.small_shop(folder)
    return folder


@pytest.fixture
def planted(shop: Path, tmp_path: Path, sql: SqlFolder) -> Planted:
    """`planted("orders", query)` returns the report on the shop after the query replaced the table."""

    def check_with(table: str, query: str) -> CheckReport:
        lake = lakes.copied(shop, tmp_path / "lake")
        lakes.rewrite(lake, table, query)
        return lakes.checked(lake, sql)

    return check_with
