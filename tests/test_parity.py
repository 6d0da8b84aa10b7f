"""One customer scored alone through a function equals the same customer in the batch, bit for bit."""

import random
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from regulars.api import online
from regulars.api.requests import check
from regulars.data.sql import connect
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.models.tasks import TASKS
from regulars.scoring.score import RFM, score
from tests.conftest import AS_OF, Call

ALONE, MANY = 10, 1_000
MONEY = ("order_value", "discount", "margin", "acquisition_cost")


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, list[dict[str, Any]]]:
    """Return a query's rows by customer, as a caller of the API has them: money in decimals, no nulls."""
    relation = connection.sql(query)
    found: dict[str, list[dict[str, Any]]] = {}
    for values in relation.fetchall():
        row = dict(zip(relation.columns, values, strict=True))
        said = {name: value for name, value in row.items() if value is not None}
        for name in set(MONEY) & set(said):
            said[name] = said[name] / 100
        found.setdefault(said.pop("customer_id"), []).append(said)
    return found


@pytest.fixture(scope="module")
def histories(lake: Path) -> dict[str, dict[str, Any]]:
    """Every customer of the lake with an order, as a request says it."""
    with duckdb.connect() as connection:
        orders = rows(
            connection,
            f"""select customer_id, order_id, strftime(ordered_at, '%Y-%m-%dT%H:%M:%S.%fZ') as ordered_at,
                order_value_cents as order_value, is_return, quantity,
                discount_cents as discount, margin_cents as margin
                from read_parquet('{lake}/orders/*.parquet') order by hash(order_id)""",
        )
        events = rows(
            connection,
            f"""select customer_id, strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ') as occurred_at, kind
                from read_parquet('{lake}/events/*.parquet') order by hash(occurred_at)""",
        )
        people = rows(
            connection,
            f"""select customer_id, strftime(signed_up_at, '%Y-%m-%dT%H:%M:%S.%fZ') as signed_up_at,
                acquisition_cost_cents as acquisition_cost from read_parquet('{lake}/customers/*.parquet')""",
        )
    return {
        name: {"customer_id": name, "orders": orders[name], "events": events.get(name, []), **people[name][0]}
        for name in sorted(orders)
    }


def said(names: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row of the score file with its dates as JSON says them."""
    return {
        name: f"{value:%Y-%m-%d}" if isinstance(value, date) and not isinstance(value, datetime) else value
        for name, value in zip(names, values, strict=True)
    }


@pytest.fixture(scope="module")
def batch(lake: Path, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureTable, Any]:
    """Features of the whole lake, and its score file by customer."""
    out = tmp_path_factory.mktemp("scores") / "scores.parquet"
    with connect("1GB", 2) as connection:
        score(connection, lake, ModelLoader(Bundle(bundle_folder)), AS_OF, out)
        table = FeatureTable.read(connection)
        relation = connection.sql(f"from '{out}'")
        scores = {row[0]: said(relation.columns, row) for row in relation.fetchall()}
    return table, scores


@pytest.fixture(scope="module")
def some(batch: tuple[FeatureTable, Any]) -> list[str]:
    """A few customers of every kind: the extremes of each feature, and others at random."""
    table, _ = batch
    extremes = {int(pick(values)) for values in table.columns.values() for pick in (np.nanargmin, np.nanargmax)}
    nulls = {int(np.isnan(values).argmax()) for values in table.columns.values()}
    chosen = random.Random(7).sample(range(len(table)), ALONE)  # noqa: S311 - a fixed sample
    return [str(table.customer_ids[row]) for row in sorted({*extremes, *nulls, *chosen})]


def asked(*customers: dict[str, Any]) -> dict[str, Any]:
    return {"as_of": AS_OF.isoformat(), "customers": list(customers)}


def flat(profile: dict[str, Any]) -> dict[str, Any]:
    """Return a profile as a row of the score file: every task's fields side by side, reasons as <task>_reasons."""
    fields = {name: value for task in TASKS for name, value in profile[task].items() if "reasons" not in name}
    reasons = {f"{task}_reasons": profile[task]["reasons"] for task in TASKS if "reasons" in profile[task]}
    return fields | reasons | {name: profile[name] for name in RFM}


def test_alone_through_the_function_equals_the_batch(
    call: Call, histories: dict[str, Any], batch: tuple[FeatureTable, Any], some: list[str]
) -> None:
    """Every answer and score, exactly."""
    _, scores = batch
    assert len(some) > ALONE
    for name in some:
        status, answer = call("profile", asked(histories[name]))
        assert status == 200
        [profile] = answer["json"]["results"]
        assert flat(profile) == {key: scores[name][key] for key in flat(profile)}
        assert answer["json"]["bundle"] == scores[name]["bundle"]


def test_the_plan_in_the_file_is_what_recommend_says(
    call: Call, histories: dict[str, Any], batch: tuple[FeatureTable, Any], some: list[str]
) -> None:
    """Each customer's action, arm, money and words: alone through the function as in the file."""
    _, scores = batch
    known = {"cost": "action_cost", "reason": "action_reason"}
    for name in some[:100]:
        status, answer = call("recommend", asked(histories[name]))
        assert status == 200
        [one] = answer["json"]["results"]
        assert one == {key: scores[name][known.get(key, key)] for key in one}
    assert {scores[name]["arm"] for name in scores} == {"treated", "control", None}


def test_among_many_of_one_request_equals_the_batch(
    call: Call, histories: dict[str, Any], batch: tuple[FeatureTable, Any]
) -> None:
    """The whole lake in one request, backwards; customers without an order before as_of are rejected, and they only."""
    _, scores = batch
    _, answer = call("profile", asked(*reversed(histories.values())))
    found = {profile["customer_id"]: flat(profile) for profile in answer["json"]["results"]}
    assert found == {name: {key: row[key] for key in found[name]} for name, row in scores.items()}
    assert len(answer["json"]["rejected"]) == len(histories) - len(scores)


def test_a_thousand_one_by_one_equal_the_batch(
    cold: pytest.MonkeyPatch,
    bundle_folder: Path,
    histories: dict[str, Any],
    batch: tuple[FeatureTable, Any],
    some: list[str],
) -> None:
    """Every feature to the bit and every answer, of customers at random and of those at the edges: no cell differs."""
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))
    table, scores = batch
    loader = ModelLoader(Bundle(bundle_folder))
    place = {str(name): row for row, name in enumerate(table.customer_ids)}
    others = random.Random(1).sample(sorted(set(place) - set(some)), MANY - len(some))  # noqa: S311 - a fixed sample
    for name in some + others:
        found = online.score_checked(check([histories[name]]), AS_OF, loader, list(TASKS))
        assert found.table.customer_ids.tolist() == [name]
        assert list(found.table.columns) == list(table.columns)
        for column, values in found.table.columns.items():
            assert values.tobytes() == table.columns[column][place[name]].tobytes(), (name, column)
        told = {task: found.fields(task)[0] for task in TASKS}
        answers: dict[str, Any] = {
            f"{task}_reasons": [reason.model_dump() for reason in each.pop("reasons")]
            for task, each in told.items()
            if "reasons" in each
        }
        for each in told.values():
            answers |= said(list(each), tuple(each.values()))
        assert answers == {key: scores[name][key] for key in answers}, name


def test_rows_after_as_of_change_no_answer(call: Call, histories: dict[str, Any], some: list[str]) -> None:
    """As in the SQL, so through the function: a caller may send more than was known."""
    history = histories[some[0]]
    later = {"ordered_at": AS_OF.isoformat(), "order_value": 1e6}
    event = {"occurred_at": "2025-07-02", "kind": "site_visit"}
    more = {**history, "orders": [later, *history["orders"]], "events": [*history["events"], event]}
    assert call("profile", asked(more))[1]["json"] == call("profile", asked(history))[1]["json"]
