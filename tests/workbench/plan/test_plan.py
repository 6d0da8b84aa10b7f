"""A whole plan by hand: choices, totals, budget curve, sensitivity and explanations."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from regulars.actions.catalogue import load, parse
from regulars.actions.effects.sources import effect_sources
from regulars.actions.recommend import recommend
from regulars.data.sql import SqlFolder
from regulars.errors import CatalogueError
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.scoring.score import score
from regulars_workbench.plan.explain import explain
from regulars_workbench.plan.inputs import read_people
from regulars_workbench.plan.plan import Plan, make_plan
from regulars_workbench.plan.totals import interval, totals
from regulars_workbench.plan.what_if import budget_curve, sensitivity
from tests.conftest import AS_OF, ROOT
from tests.regulars.actions.catalogues import action, raw

CALL = action(name="call", channel="phone", cost=4, effect=action()["effect"] | {"likely": -0.14})


def planned(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, folder: Path, budget: float, content: dict[str, Any]
) -> Plan:
    """Plan for 40 customers with values of 10, 20, ..., 400, churn .5 and two orders each."""
    query = """
        select 'C' || lpad(cast(i as varchar), 2, '0') as customer_id, timestamp '2026-07-01' as as_of,
            90 as horizon_days, 0.5 as churn_probability, 10.0 * i as predicted_value, 2.0 as predicted_orders
        from range(1, 41) as t(i)
    """
    connection.execute(f"copy ({query}) to '{folder}/scores.parquet'")
    catalogue = parse(content)
    people = read_people(connection, folder / "scores.parquet", catalogue, sql)
    return make_plan(catalogue, people, effect_sources(catalogue, folder), budget)


def content(**plan: Any) -> dict[str, Any]:
    return raw(action(), CALL, plan={"margin": 0.5, "control": 0.0} | plan)


def test_the_most_profitable_customers_are_chosen(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    """An email brings .05 of the value for 1, a call .07 for 4: with 10 to spend, ten emails to the best customers."""
    plan = planned(connection, sql, tmp_path, 10, content())
    assert np.flatnonzero(plan.arms.treated[0]).tolist() == list(range(30, 40))
    assert not plan.arms.treated[1].any()
    email, call = totals(plan)
    value = sum(10.0 * i for i in range(31, 41))
    assert (email.treated, email.cost, call.treated) == (10, 10.0, 0)
    assert email.expected_profit == pytest.approx(0.05 * value - 10)
    assert (email.low, email.high) == pytest.approx((0.025 * value - 10, 0.075 * value - 10))
    assert interval([email, call]) == pytest.approx((email.expected_profit, email.low, email.high))
    assert email.expected_lift == pytest.approx(0.05)
    assert email.minimum_detectable_effect is None


def test_the_minimum_detectable_effect_is_that_of_two_shares(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    """Half of the customers order; 20 and 20 of them show (1.960 + 0.842) sqrt(.25 (1/20 + 1/20))."""
    plan = planned(connection, sql, tmp_path, 1000, raw(action(cost=0), plan={"margin": 0.5, "control": 0.5}))
    [email] = totals(plan)
    assert (email.treated, email.control) == (20, 20)
    assert email.minimum_detectable_effect == pytest.approx(2.8016 * np.sqrt(0.25 * 0.1), rel=1e-4)


def test_a_minimum_return_leaves_out_what_returns_less(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    """An email to a value of 200 brings 10 for 1: nine times its cost."""
    plan = planned(connection, sql, tmp_path, 1000, content(min_return=9))
    assert np.flatnonzero(plan.arms.treated[0]).tolist() == list(range(19, 40))


def test_an_action_that_drives_customers_away_is_never_planned(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    effect = {"on": "churn", "low": -0.02, "likely": 0.05, "high": 0.1}
    plan = planned(connection, sql, tmp_path, 1000, raw(action(cost=0, effect=effect)))
    assert not (plan.arms.treated | plan.arms.control).any()
    assert plan.notes == ("the plan is empty: no action is expected to bring its cost and the minimum return",)


def test_the_curve_rises_and_flattens_and_goes_through_the_plan(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    plan = planned(connection, sql, tmp_path, 10, content())
    points = budget_curve(plan)
    profits, prices = [point.profit for point in points], [point.marginal for point in points]
    assert profits == sorted(profits)
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(prices))
    assert next(point.profit for point in points if point.budget == 10) == pytest.approx(plan.profit / 100)


def test_sensitivity_names_every_assumption_and_a_plan_is_never_better_than_the_best(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    lines = sensitivity(planned(connection, sql, tmp_path, 40, content()))
    assert len(lines) == 2 * 2 + 2
    assert all(line.profit_best >= line.profit_kept - 1e-9 and line.moved >= 0 for line in lines)
    assert [line.moved for line in lines] == sorted((line.moved for line in lines), reverse=True)
    assert lines[0].moved > 0


def test_explanations_say_what_would_change_the_decision(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    plan = planned(connection, sql, tmp_path, 10, content())
    facts, (email, call) = explain(plan, "C40")
    assert facts[0].startswith("churn 50.0%, predicted value 400.00")
    assert email.verdict.startswith("chosen: churn 50.0 % to 45.0 %: 20.00 more margin for 1.00")
    assert email.change.startswith("chosen until an effect of -")
    assert call.verdict.startswith("brings 24.00, but other customers bring a profit of ")
    assert call.change.startswith("chosen from an effect of -")
    _, (email, _) = explain(plan, "C01")
    assert email.verdict.startswith("does not pay")


def test_prices_decide_as_the_plan_did(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path) -> None:
    """Except for customers at the margin, for whom both choices are worth the same."""
    plan = planned(connection, sql, tmp_path, 60, content())
    advised = recommend(connection, plan.people.columns, plan.prices(), plan.valuation.sources)
    chosen = [next((a for a in (0, 1) if plan.arms.treated[a, at]), None) for at in range(40)]
    names = [None if action is None else plan.catalogue.actions[action] for action in chosen]
    assert sum(advice.action != name for advice, name in zip(advised, names, strict=True)) <= 2


def test_learnt_effects_that_are_not_there_are_named(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="effects") as raised:
        planned(connection, sql, tmp_path, 10, raw(action(effect={"learnt": "effects/"})))
    assert type(raised.value).__module__ == "regulars.errors"


def test_a_plan_needs_a_margin(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="margin is missing"):
        planned(connection, sql, tmp_path, 10, raw(plan={}))


def test_the_example_runs_on_the_demo(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, tmp_path: Path, lake: Path, bundle_folder: Path
) -> None:
    scores = tmp_path / "scores.parquet"
    score(connection, lake, ModelLoader(Bundle(bundle_folder)), AS_OF, scores)
    catalogue = load(ROOT / "examples" / "actions.toml")
    people = read_people(connection, scores, catalogue, sql, lake=lake)
    plan = make_plan(catalogue, people, effect_sources(catalogue, ROOT / "examples"), 200)
    assert 0 < plan.spent <= 200 * 100
    assert plan.profit > 0
    assert plan.arms.solution.gap < 0.001
