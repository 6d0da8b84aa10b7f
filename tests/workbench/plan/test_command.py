"""`regulars plan`: its output, its files and its errors."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.actions.shadow_prices import read_shadow_prices
from tests.command_line import Run, command_line

CATALOGUE = """
[plan]
margin = 0.4
control = 0.2

[[channel]]
name = "phone"
capacity = 8

[[action]]
name = "email"
channel = "mail"
cost = 0.05
effect = { on = "orders", how = "relative", low = 0.0, likely = 0.01, high = 0.02 }

[[action]]
name = "call"
channel = "phone"
cost = "2 + 0.01 * predicted_value"
effect = { on = "churn", how = "relative", low = -0.1, likely = -0.2, high = -0.3 }
"""
SCORES = """
    select 'C' || lpad(cast(i as varchar), 3, '0') as customer_id, timestamp '2026-07-01' as as_of, 90 as horizon_days,
        20.0 + 7 * (i % 31) as predicted_value,
        0.0 as predicted_value_low, 60.0 + 14 * (i % 31) as predicted_value_high,
        1.0 + i % 5 as predicted_orders, 0.05 + 0.9 * (i % 17) / 17 as churn_probability,
        if(i % 3 = 0, 'New', 'Loyal') as segment, if(i % 17 > 9, 'high', 'low') as churn_risk
    from range(200) as t(i)
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`run("--budget", 20)` plans from the files of the folder; returns exit status, standard output and error."""
    (tmp_path / "actions.toml").write_text(CATALOGUE, encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(f"copy ({SCORES}) to '{tmp_path}/scores.parquet'")

    files = (tmp_path / "scores.parquet", "--actions", tmp_path / "actions.toml")
    return command_line(monkeypatch, capsys, "plan", *files, columns=250)


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"select {query} from '{file}'").fetchall()


def test_it_writes_the_plan_and_prints_its_totals(run: Run, tmp_path: Path) -> None:
    out, file = tmp_path / "plan.parquet", tmp_path / "plan.json"
    status, printed, _ = run("--budget", 30, "--out", out, "--json", file)
    assert status == 0
    document = json.loads(file.read_text(encoding="utf-8"))
    [(cost, profit, most)] = rows(out, "sum(cost), sum(expected_profit), count(*) - count(distinct customer_id)")
    assert 0 < cost <= 30
    assert most == 0
    assert cost == pytest.approx(document["cost"])
    assert profit == pytest.approx(document["expected_profit"], abs=0.5)
    assert rows(out, "count(*) filter (arm = 'treated' and channel = 'phone') <= 8") == [(True,)]
    assert rows(out, "count(*) filter (arm = 'treated' and not expected_profit > 0)") == [(0,)]
    assert rows(out, "bool_and(cost = 0 and reason like 'held back to measure: %') filter (arm = 'control')") == [
        (True,)
    ]
    assert rows(out, "bool_and(low <= expected_profit and expected_profit <= high)") == [(True,)]
    assert document["gap"] < 0.001
    assert document["budget_curve"][0] == {
        "budget": 0.0,
        "profit": 0.0,
        "marginal": document["budget_curve"][1]["marginal"],
    }
    assert "The next 1 of budget brings" in printed
    assert "cooldown" not in printed


def test_a_second_run_gives_the_same_bytes_and_csv_the_same_rows(run: Run, tmp_path: Path) -> None:
    first, second, text = tmp_path / "1.parquet", tmp_path / "2.parquet", tmp_path / "3.csv"
    for out in (first, second, text):
        assert run("--budget", 30, "--out", out)[0] == 0
    assert first.read_bytes() == second.read_bytes()
    query = "customer_id, action, arm, cost, reason"
    assert rows(first, query) == rows(text, query)


def test_no_budget_leaves_a_valid_empty_plan(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "plan.parquet"
    status, printed, _ = run("--budget", 0, "--out", out)
    assert status == 0
    assert "the plan is empty: the budget is 0" in printed
    assert rows(out, "count(*)") == [(0,)]


def test_no_eligible_customer_leaves_an_empty_plan_with_a_reason(run: Run, tmp_path: Path) -> None:
    text = CATALOGUE.replace('channel = "mail"', 'channel = "mail"\neligible = "false"')
    text = text.replace('channel = "phone"\ncost', 'channel = "phone"\neligible = "segment = \'Gone\'"\ncost')
    (tmp_path / "actions.toml").write_text(text, encoding="utf-8")
    status, printed, _ = run("--budget", 30, "--out", tmp_path / "plan.csv")
    assert status == 0
    assert "the plan is empty: no customer is eligible for any action" in printed


def test_explain_says_why_and_why_not(run: Run, tmp_path: Path) -> None:
    status, printed, _ = run("--budget", 30, "--explain", "C003", "--out", tmp_path / "plan.csv")
    assert status == 0
    assert printed.startswith("C003: churn ")
    assert "email: " in printed
    assert "call: " in printed
    assert not (tmp_path / "plan.csv").exists()
    status, _, error = run("--budget", 30, "--explain", "nobody")
    assert status == 2
    assert "no customer 'nobody' among the 200 scores" in error


def test_the_price_list_and_the_picture_are_written(run: Run, tmp_path: Path) -> None:
    prices, picture = tmp_path / "prices.json", tmp_path / "curve.png"
    assert run("--budget", 3, "--prices", prices, "--picture", picture)[0] == 0
    listed = read_shadow_prices(prices)
    assert listed.budget > 0
    assert set(listed.actions) == {"email", "call"}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_error_is_one_line_with_the_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "actions.toml").write_text(CATALOGUE.replace("margin = 0.4\n", ""), encoding="utf-8")
    status, _, error = run("--budget", 30)
    assert status == 2
    assert error.count("\n") == 1
    assert "actions.toml: [plan]: margin is missing" in error
