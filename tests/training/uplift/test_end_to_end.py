"""Past treatments, learnt effects, a plan, its measured result: with the commands, like a user."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.command_line import command_line

Run = Callable[..., str]
PLANNED, MEASURED = "2025-05-20", "2025-07-01"
CATALOGUE = """
[plan]
control = 0.3

[[action]]
name = "voucher"
channel = "mail"
cost = 0.10
effect = { learnt = "effects" }

[[action]]
name = "email"
channel = "mail"
cost = 0.05
effect = { learnt = "effects" }
"""


@pytest.fixture
def run(cold: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("score", ...)` runs a command in this process and returns what it printed."""
    command = command_line(cold, capsys, columns=250)

    def succeed(*arguments: object) -> str:
        status, output, errors = command(*arguments)
        assert status == 0, errors
        return output

    return succeed


@pytest.mark.slow
def test_a_plan_by_learnt_effects_is_made_and_measured(
    run: Run, lake: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    scores, features, plan = (tmp_path / f"{name}.parquet" for name in ("scores", "features", "plan"))
    (tmp_path / "actions.toml").write_text(CATALOGUE, encoding="utf-8")
    assert "Effect of each action" in run("uplift", lake, "--horizon", 30, "--out", tmp_path / "effects")
    run("score", lake, "--bundle", bundle_folder, "--as-of", PLANNED, "--out", scores)
    run("features", lake, "--as-of", PLANNED, "--out", features)
    files = ("--actions", tmp_path / "actions.toml", "--features", features, "--lake", lake)
    prices = tmp_path / "prices.json"
    planned = run("plan", scores, *files, "--budget", 40, "--out", plan, "--prices", prices)
    assert "the effect of voucher was learnt over 30 days, the scores are for 90; its" in planned
    rows = pl.read_parquet(plan)
    treated = rows.filter(pl.col("arm") == "treated")
    assert len(treated) > 50
    assert treated["cost"].sum() <= 40
    assert (treated["expected_profit"] > 0).all()

    run("publish", "--bundle", bundle_folder, "--prices", prices, "--out", tmp_path / "bundle")
    answer = run("invoke", "recommend", "--bundle", tmp_path / "bundle")
    assert '"status' in answer
    assert '"expected_profit"' in answer

    back = tmp_path / "treatments.parquet"
    options = ("--as-of", MEASURED, "--horizon", 30, "--treatments-out", back)
    printed = run("measure", plan, lake, *options)
    assert "Incremental profit of all treated customers, EUR" in printed
    assert "of revenue (orders of the lake)" in printed
    assert set(treated["action"]) <= {word for word in ("email", "voucher") if word in printed}
    assert len(pl.read_parquet(back)) == len(rows)
    assert "Margin: 35.0% of revenue (--margin)" in run("measure", plan, lake, *options[:4], "--margin", 0.35)
