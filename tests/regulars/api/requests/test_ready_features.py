"""Ready features in a request: scored like features made from the history, or refused by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.data.lake import attach
from regulars.data.sql import connect
from regulars.features.relations import make_features, write_features
from regulars.models.bundle import Bundle
from regulars.models.tasks import TASKS
from regulars.scoring.score import RFM
from tests.conftest import AS_OF, Call

SECRET = "jane@example.com"  # noqa: S105 - stands for a customer's data


@pytest.fixture(scope="module")
def sent(lake: Path, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every customer of the lake with ready features, from a feature file."""
    file, bundle = tmp_path_factory.mktemp("features") / "features.parquet", Bundle(bundle_folder)
    with connect("1GB", 1) as connection:
        attach(connection, lake)
        make_features(connection, bundle.sql, AS_OF, bundle.cut_points)
        write_features(connection, AS_OF, file)
    with duckdb.connect() as connection:
        relation = connection.sql(f"select * exclude (as_of) from '{file}' order by customer_id")
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    return [{"customer_id": row.pop("customer_id"), "features": row} for row in rows]


@pytest.fixture(scope="module")
def histories(lake: Path) -> dict[str, dict[str, Any]]:
    """The same customers with their histories."""
    with duckdb.connect() as connection:

        def rows(table: str, columns: str) -> dict[str, list[dict[str, Any]]]:
            relation = connection.sql(f"select customer_id, {columns} from '{lake}/{table}/*.parquet'")
            by_customer: dict[str, list[dict[str, Any]]] = {}
            for name, *values in relation.fetchall():
                row = {key: value for key, value in zip(relation.columns[1:], values, strict=True) if value is not None}
                by_customer.setdefault(name, []).append(row)
            return by_customer

        stamp = "strftime({0}, '%Y-%m-%dT%H:%M:%S.%fZ') as {0}".format
        money = "cast({0}_cents as double) / 100 as {0}".format
        orders = rows(
            "orders",
            f"order_id, {stamp('ordered_at')}, {money('order_value')}, is_return, {money('discount')}, "
            f"{money('margin')}",
        )
        events = rows("events", f"{stamp('occurred_at')}, kind")
        people = rows("customers", f"{stamp('signed_up_at')}, {money('acquisition_cost')}")
    return {
        name: {"customer_id": name, "orders": orders[name], "events": events.get(name, []), **people[name][0]}
        for name in orders
    }


def request(*customers: dict[str, Any]) -> dict[str, Any]:
    return {"as_of": AS_OF.isoformat(), "customers": list(customers)}


def test_ready_features_give_the_same_scores_as_the_history(
    call: Call, sent: list[dict[str, Any]], histories: dict[str, dict[str, Any]]
) -> None:
    """Bit for bit, with the reasons; also when a request mixes both."""
    some = sent[::9]
    ready = call("profile", request(*some))[1]["json"]
    from_history = call("profile", request(*(histories[customer["customer_id"]] for customer in some)))[1]["json"]
    mixed = [customer if at % 2 else histories[customer["customer_id"]] for at, customer in enumerate(some)]
    assert ready["rejected"] == []
    assert ready == from_history == call("profile", request(*mixed))[1]["json"]


def test_scores_of_a_task_need_no_rfm(call: Call, sent: list[dict[str, Any]]) -> None:
    """RFM scores are results: only the route that returns them needs them."""
    plain = {name: value for name, value in sent[0]["features"].items() if name not in RFM}
    customer = {**sent[0], "features": plain}
    for task in TASKS:
        assert call(task, request(customer))[1]["json"]["results"] == call(task, request(sent[0]))[1]["json"]["results"]
    status, response = call("profile", request(customer))
    assert status == 422
    assert f"features.{RFM[0]}: missing" in response["json"]["detail"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda features: features.pop("recency_days"), "features.recency_days: missing"),
        (lambda features: features.update(recency=1.0), "features.recency: no column of the bundle"),
        (lambda features: features.update({SECRET: 1.0}), "features.(a name): no column of the bundle"),
        (lambda features: features.update(order_count=None), "features.order_count: null, which it never is"),
        (lambda features: features.update(order_count=-1), "features.order_count: not a number from 0 to"),
        (
            lambda features: features.update(orders_trend_90d=1.5),
            "features.orders_trend_90d: not a number from -1 to 1",
        ),
        (lambda features: features.update(spend_cents=float("inf")), "features.spend_cents: not a number from"),
        (lambda features: features.update(spend_cents=float("nan")), "features.spend_cents: not a number from"),
        (lambda features: features.update(spend_cents=SECRET), "features.spend_cents: input should be a valid number"),
        (lambda features: features.update(spend_cents=True), "features.spend_cents: input should be a valid number"),
    ],
)
def test_a_column_that_is_unknown_missing_or_invalid_is_named(
    call: Call, sent: list[dict[str, Any]], change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    """That customer is rejected; the other is scored."""
    bad: dict[str, Any] = {"customer_id": "bad", "features": dict(sent[0]["features"])}
    change(bad["features"])
    status, response = call("churn", request(sent[1], bad))
    assert status == 200
    assert len(response["json"]["results"]) == 1
    [rejected] = response["json"]["rejected"]
    assert (rejected["index"], rejected["cause"]) == (1, "invalid")
    assert reason in rejected["reason"]
    assert SECRET not in response["body"]


def test_null_is_accepted_where_the_column_may_be_null(call: Call, sent: list[dict[str, Any]]) -> None:
    customer = {**sent[0], "features": {**sent[0]["features"], "gap_mean_days": None, "ltv_to_cac": None}}
    assert call("churn", request(customer))[0] == 200


def test_history_and_features_at_once_are_refused(call: Call, sent: list[dict[str, Any]]) -> None:
    both = {**sent[0], "orders": [{"ordered_at": "2025-05-01", "order_value": 1.0}]}
    assert "orders: extra inputs are not permitted" in call("churn", request(both))[1]["json"]["detail"]
