"""A customer scored alone through a function gets the same scores as in a batch, bit for bit."""

import random
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from regulars.api import online
from regulars.api.requests.check import check
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
    """Return a query's rows by customer, as the API takes them: money as decimals, no nulls."""
    relation = connection.sql(query)
    by_customer: dict[str, list[dict[str, Any]]] = {}
    for values in relation.fetchall():
        row = {name: value for name, value in zip(relation.columns, values, strict=True) if value is not None}
        for name in set(MONEY) & set(row):
            row[name] = row[name] / 100
        by_customer.setdefault(row.pop("customer_id"), []).append(row)
    return by_customer


@pytest.fixture(scope="module")
def histories(lake: Path) -> dict[str, dict[str, Any]]:
    """Every customer of the lake with an order, in the form of a request."""
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


def json_row(names: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row of the score file with its dates as in JSON."""
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
        scores = {row[0]: json_row(relation.columns, row) for row in relation.fetchall()}
    return table, scores


@pytest.fixture(scope="module")
def some(batch: tuple[FeatureTable, Any]) -> list[str]:
    """Customers with the extremes of each feature, and a random sample."""
    table, _ = batch
    extremes = {int(pick(values)) for values in table.columns.values() for pick in (np.nanargmin, np.nanargmax)}
    nulls = {int(np.isnan(values).argmax()) for values in table.columns.values()}
    chosen = random.Random(7).sample(range(len(table)), ALONE)  # noqa: S311 - a fixed sample
    return [str(table.customer_ids[row]) for row in sorted({*extremes, *nulls, *chosen})]


def request(*customers: dict[str, Any]) -> dict[str, Any]:
    return {"as_of": AS_OF.isoformat(), "customers": list(customers)}


def flat(profile: dict[str, Any]) -> dict[str, Any]:
    """Return a profile as a row of the score file: the fields of all tasks, with reasons as <task>_reasons."""
    fields = {name: value for task in TASKS for name, value in profile[task].items() if "reasons" not in name}
    reasons = {f"{task}_reasons": profile[task]["reasons"] for task in TASKS if "reasons" in profile[task]}
    return fields | reasons | {name: profile[name] for name in RFM}


def test_alone_through_the_function_equals_the_batch(
    call: Call, histories: dict[str, Any], batch: tuple[FeatureTable, Any], some: list[str]
) -> None:
    _, scores = batch
    assert len(some) > ALONE
    for name in some:
        status, response = call("profile", request(histories[name]))
        assert status == 200
        [profile] = response["json"]["results"]
        assert flat(profile) == {key: scores[name][key] for key in flat(profile)}
        assert response["json"]["bundle"] == scores[name]["bundle"]


def test_recommendations_in_the_file_equal_those_of_the_function(
    call: Call, histories: dict[str, Any], batch: tuple[FeatureTable, Any], some: list[str]
) -> None:
    """Each customer's action, arm, money and reason."""
    _, scores = batch
    columns = {"cost": "action_cost", "reason": "action_reason"}
    for name in some[:100]:
        status, response = call("recommend", request(histories[name]))
        assert status == 200
        [advice] = response["json"]["results"]
        assert advice == {key: scores[name][columns.get(key, key)] for key in advice}
    assert {scores[name]["arm"] for name in scores} == {"treated", "control", None}


def test_among_many_of_one_request_equals_the_batch(
    call: Call, histories: dict[str, Any], batch: tuple[FeatureTable, Any]
) -> None:
    """The whole lake in one request, in reverse order. Only customers without an order before as_of are rejected."""
    _, scores = batch
    _, response = call("profile", request(*reversed(histories.values())))
    rows_of = {profile["customer_id"]: flat(profile) for profile in response["json"]["results"]}
    assert rows_of == {name: {key: row[key] for key in rows_of[name]} for name, row in scores.items()}
    assert len(response["json"]["rejected"]) == len(histories) - len(scores)


@pytest.mark.slow
def test_a_thousand_one_by_one_equal_the_batch(
    cold: pytest.MonkeyPatch,
    bundle_folder: Path,
    histories: dict[str, Any],
    batch: tuple[FeatureTable, Any],
    some: list[str],
) -> None:
    """Every feature and every score equals, bit for bit, for random customers and for those with extreme features."""
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))
    table, scores = batch
    loader = ModelLoader(Bundle(bundle_folder))
    place = {str(name): row for row, name in enumerate(table.customer_ids)}
    others = random.Random(1).sample(sorted(set(place) - set(some)), MANY - len(some))  # noqa: S311 - a fixed sample
    for name in some + others:
        scored = online.score_checked(check([histories[name]]), AS_OF, loader, list(TASKS))
        assert scored.table.customer_ids.tolist() == [name]
        assert list(scored.table.columns) == list(table.columns)
        for column, values in scored.table.columns.items():
            assert values.tobytes() == table.columns[column][place[name]].tobytes(), (name, column)
        by_task = {task: scored.fields(task)[0] for task in TASKS}
        row: dict[str, Any] = {
            f"{task}_reasons": [reason.model_dump() for reason in fields.pop("reasons")]
            for task, fields in by_task.items()
            if "reasons" in fields
        }
        for fields in by_task.values():
            row |= json_row(list(fields), tuple(fields.values()))
        assert row == {key: scores[name][key] for key in row}, name


def test_rows_after_as_of_change_no_score(call: Call, histories: dict[str, Any], some: list[str]) -> None:
    """A caller may send rows at or after as_of; the function ignores them."""
    history = histories[some[0]]
    later = {"ordered_at": AS_OF.isoformat(), "order_value": 1e6}
    event = {"occurred_at": "2025-07-02", "kind": "site_visit"}
    more = {**history, "orders": [later, *history["orders"]], "events": [*history["events"], event]}
    assert call("profile", request(more))[1]["json"] == call("profile", request(history))[1]["json"]
