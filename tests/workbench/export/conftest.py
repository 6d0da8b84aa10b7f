"""What the tests of exports share: a small score file, a plan for it, and the command."""

import csv
from pathlib import Path

import duckdb
import pytest

from tests.command_line import Run, command_line

REASON = "{'feature': 'f', 'group': 'g', 'value': 1.0, 'effect': 2.0, 'text': %s}"
SCORES = f"""
    select id as customer_id, timestamp '2026-07-01' as as_of, 90 as horizon_days, '2026-07-01.abc' as bundle,
        value as predicted_value, value / 2 as predicted_value_low, value * 2 as predicted_value_high,
        1.23456 as predicted_orders, date '2026-08-02' as next_order_at,
        [{REASON % "'no order for 120 days'"}, {REASON % "concat('=spent ', value)"}] as clv_reasons,
        0.12345 as churn_probability, 'low' as churn_risk,
        [{REASON % "'opened 3 emails'"}] as churn_reasons,
        '+segment' as segment, cast(555 as smallint) as rfm_cell
    from (values
        ('ada@example.com', 10.006), ('007', 300.0), ('=cmd()', 20.5), (' Bob@Example.com ', 40.0), ('-5', 5.0)
    ) customers(id, value)
"""
PLAN = """
    select id as customer_id, action, 'mail' as channel, arm, if(arm = 'control', 0.0, 1.5) as cost,
        if(arm = 'control', 0.0, profit) as expected_profit, profit - 1 as low, profit + 1 as high,
        0.1 as break_even_effect, 'churn 50.0 % to 40.0 %' as reason, 'low' as stratum,
        timestamp '2026-07-01' as as_of, 90 as horizon_days
    from (values
        ('ada@example.com', 'voucher', 'treated', 3.0), ('007', 'voucher', 'treated', 9.0),
        ('=cmd()', 'voucher', 'control', 2.0), (' Bob@Example.com ', 'call', 'treated', 4.0)
    ) rows(id, action, arm, profit)
"""


def copy(query: str, file: Path) -> Path:
    """Write the rows of a query to a Parquet or CSV file."""
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{file}'")
    return file


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Five customers, best 007; some have an address as id, others an id that looks like a formula."""
    return copy(SCORES, tmp_path / "scores.parquet")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Two vouchers, one call, and one voucher that is held back."""
    return copy(PLAN, tmp_path / "plan.csv")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scores: Path) -> Run:
    """`run("--to", file)` exports the scores; returns exit status, standard output and error."""
    return command_line(monkeypatch, capsys, "export", scores, columns=250)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for what is written."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def files(folder: Path) -> list[str]:
    """Return the names of all files in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
