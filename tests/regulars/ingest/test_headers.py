"""A CSV whose header has a name twice: refused where the name is read, told where it is not."""

from pathlib import Path
from typing import Any

import pytest

from regulars.errors import SourceError
from tests.regulars.ingest.helpers import EUR, ORDERS, read, run, write

PLAIN = "customer_id,ordered_at,order_value"


@pytest.mark.parametrize("header", [f"{PLAIN},order_value", f"{PLAIN}, Order_Value ", f"{PLAIN},customer_id"])
def test_a_contract_column_twice_is_refused(tmp_path: Path, header: str) -> None:
    source = write(tmp_path / "m.csv", f"{header}\na,2024-01-01,1,2\n")
    with pytest.raises(
        SourceError, match=r'm\.csv: several columns are called "(order_value|customer_id)", which \[ord'
    ):
        run([source], tmp_path / "lake")


@pytest.mark.parametrize(
    "more", [{"order_value": "value * qty"}, {"where": "qty > 0"}, {"attributes": {"x": "qty"}}, {"quantity": "qty"}]
)
def test_a_column_of_the_map_twice_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    source = write(tmp_path / "m.csv", "who,at,value,qty,qty\na,2024-01-01,1,2,3\n")
    with pytest.raises(SourceError, match=r'm\.csv: several columns are called "qty"'):
        run([source], tmp_path / "lake", {**EUR, "orders": {**ORDERS, **more}})


def test_another_column_twice_is_told(tmp_path: Path) -> None:
    source = write(tmp_path / "m.csv", f"{PLAIN},note,note\na,2024-01-01,1,x,y\n")
    report = run([source], tmp_path / "lake")
    assert read(tmp_path / "lake", "note, note_2") == [("x", "y")]
    assert any('m.csv has several columns called "note"' in warning for warning in report.warnings)
