"""Recommendations for single customers, by the shadow prices of a plan."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from regulars.actions.catalogue import parse
from regulars.actions.effects.sources import effect_sources
from regulars.actions.recommend import Recommendation, recommend
from regulars.actions.shadow_prices import ShadowPrices, read_shadow_prices
from regulars.errors import BundleError, CatalogueError
from tests.regulars.actions.catalogues import action, people, raw

CALL = action(name="call", channel="phone", cost=4, effect=action()["effect"] | {"likely": -0.14})


def advised(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, Any], content: dict[str, Any], **prices: Any
) -> list[Recommendation]:
    return recommend(connection, columns, listed(content, **prices), effect_sources(parse(content), Path()))


def listed(content: dict[str, Any], budget: float = 0.0, **actions: float) -> ShadowPrices:
    return ShadowPrices(
        as_of=datetime(2026, 7, 1, tzinfo=UTC),
        horizon_days=90,
        margin=0.5,
        catalogue=parse(content),
        budget=budget,
        actions=actions,
    )


def content(**plan: Any) -> dict[str, Any]:
    return raw(action(), CALL, plan={"margin": 0.5, "control": 0.0} | plan)


def test_the_best_action_is_recommended_in_the_order_of_the_request(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Email brings 5 for 1, a call 7 for 4; where the value is ten times that, 50 for 1 and 70 for 4."""
    columns = people(3) | {"predicted_value": np.array([1000.0, 100.0, 5.0])}
    rich, usual, poor = advised(connection, columns, content())
    assert [rich.action, usual.action, poor.action] == ["call", "email", None]
    assert (usual.cost, usual.expected_profit, usual.arm) == (1.0, pytest.approx(4.0), "treated")
    assert poor.reason == "no action is expected to bring more than it costs"


def test_prices_of_capacities_and_budget_change_the_choice(connection: duckdb.DuckDBPyConnection) -> None:
    columns = people(1) | {"predicted_value": np.array([1000.0])}
    assert advised(connection, columns, content(), call=2000.0)[0].action == "email"
    [none] = advised(connection, columns, content(), budget=100.0)
    assert (none.action, none.reason) == (None, "the budget and the capacities bring more with other customers")


def test_alone_and_among_others_are_the_same(connection: duckdb.DuckDBPyConnection) -> None:
    columns = people(50) | {"predicted_value": np.linspace(0, 2000, 50)}
    together = advised(connection, columns, content(control=0.3))
    for at in (0, 7, 49):
        assert advised(connection, {k: v[at : at + 1] for k, v in columns.items()}, content(control=0.3)) == [
            together[at]
        ]
    assert {advice.arm for advice in together} == {"treated", "control", None}
    assert all(advice.cost == advice.expected_profit == 0 for advice in together if advice.arm == "control")


def test_no_customers_and_no_eligible_action(connection: duckdb.DuckDBPyConnection) -> None:
    assert advised(connection, people(0), content()) == []
    [advice] = advised(connection, people(1), raw(action(eligible="segment = 'New'")))
    assert advice.reason == "no action is open to this customer"


def test_a_missing_column_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(CatalogueError, match=r"no column 'consent'"):
        advised(connection, people(1), raw(action(eligible="consent")))


def test_shadow_prices_are_read_as_written(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(listed(content(), budget=0.3, call=12.5).model_dump_json(), encoding="utf-8")
    assert read_shadow_prices(file) == listed(content(), budget=0.3, call=12.5)
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="no shadow prices of a plan"):
        read_shadow_prices(file)
    with pytest.raises(BundleError, match="regulars plan"):
        read_shadow_prices(tmp_path / "none.json")
