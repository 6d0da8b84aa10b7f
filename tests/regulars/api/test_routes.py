"""What goes with every answer: versions, tags, ids, and how many reasons."""

import hashlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.api.app import ROUTES
from tests.conftest import AS_OF, Call
from tests.properties import examples

ID, OWN = "x-correlation-id", "00000000-0000-0000-0000-000000000000"


def asked(*customers: dict[str, Any]) -> dict[str, Any]:
    return {"as_of": AS_OF.isoformat(), "customers": list(customers)}


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_has_a_versioned_name_and_a_plain_one(call: Call, customer: dict[str, Any], route: str) -> None:
    plain = call(route, asked(customer))[1]
    versioned = call(route, asked(customer), to=f"/v1/{route}")[1]
    assert plain["body"] == versioned["body"]
    assert plain["headers"]["etag"] == versioned["headers"]["etag"]


def test_every_answer_tells_what_made_it(call: Call, customer: dict[str, Any], bundle: Any) -> None:
    answer = call("churn", asked(customer))[1]
    name = bundle.manifest.bundle
    assert answer["json"]["bundle"] == answer["headers"]["x-regulars-bundle"] == name
    assert answer["headers"]["etag"] == f'"{name}-{hashlib.sha256(answer["body"].encode()).hexdigest()[:16]}"'
    assert answer["headers"]["cache-control"] == "no-store"


def test_models_are_told_again_only_when_they_differ(call: Call, customer: dict[str, Any]) -> None:
    status, first = call("churn", path="/v1/models")
    tag = first["headers"]["etag"]
    assert status == 200
    assert call("churn", path="/v1/models", headers={"if-none-match": f'"other", W/{tag}'})[0] == 304
    call("churn", asked(customer))  # a model is loaded, so the answer is another one
    assert call("churn", path="/v1/models", headers={"if-none-match": tag})[0] == 200


def test_the_callers_id_comes_back_in_answers_and_problems(call: Call, customer: dict[str, Any]) -> None:
    for body, status in ((asked(customer), 200), (asked(), 422)):
        found, answer = call("churn", body, headers={ID: "order-job.17"})
        assert (found, answer["headers"][ID]) == (status, "order-job.17")
    assert answer["json"]["correlation_id"] == "order-job.17"


@pytest.mark.parametrize("sent", [{}, {ID: "jane@example.com"}, {ID: "two words"}, {ID: "x" * 129}, {ID: ""}])
def test_without_a_usable_id_it_is_lambdas(call: Call, customer: dict[str, Any], sent: dict[str, str]) -> None:
    """An id goes into the log, so free text is no id."""
    assert call("churn", asked(customer), headers=sent)[1]["headers"][ID] == OWN
    assert call("churn", path="/nowhere", headers=sent)[1]["json"]["correlation_id"] == OWN


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_another_media_type_is_refused(call: Call, customer: dict[str, Any], kind: str) -> None:
    status, answer = call("churn", asked(customer), headers={"content-type": kind})
    assert (status, answer["json"]["type"]) == (415, "urn:regulars:problem:unsupported-media-type")


def test_a_method_that_is_not_allowed_names_those_that_are(call: Call) -> None:
    status, answer = call("churn", path="/v1/churn")
    assert (status, answer["headers"]["allow"]) == (405, "POST")


@pytest.mark.parametrize("count", [0, 1, 10])
def test_as_many_reasons_as_asked_for(call: Call, customer: dict[str, Any], count: int) -> None:
    for route in ("clv", "churn"):
        [one] = call(route, asked(customer), query=f"reasons={count}")[1]["json"]["results"]
        assert len(one["reasons"]) == count
        assert (one["reasons_base"] is None) == (count == 0)


@pytest.mark.parametrize("count", ["11", "-1", "3.5", "three", "", "٣", "1e1"])
def test_another_number_of_reasons_is_refused(call: Call, customer: dict[str, Any], count: str) -> None:
    status, answer = call("churn", asked(customer), query=f"reasons={count}")
    assert (status, answer["json"]["detail"]) == (422, "reasons must be a whole number from 0 to 10")


DAYS = st.integers(0, 720)
ORDERS = st.lists(st.tuples(DAYS, st.integers(-20_000, 100_000)), min_size=1, max_size=12)
EVENTS = st.lists(
    st.tuples(DAYS, st.sampled_from(["email_sent", "email_open", "site_visit", "support_ticket"])), max_size=6
)


@given(orders=ORDERS, events=EVENTS, count=st.integers(1, 10))
@settings(max_examples=examples(0.4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_base_effects_and_rest_add_up_to_the_answer(
    call: Call, orders: list[tuple[int, int]], events: list[tuple[int, str]], count: int
) -> None:
    """However many reasons are shown; each number is rounded to six decimals."""
    from datetime import timedelta  # noqa: PLC0415 - here only

    rows = [
        {"ordered_at": (AS_OF - timedelta(days=day + 1)).isoformat(), "order_value": cents / 100}
        for day, cents in orders
    ]
    happened = [
        {"occurred_at": (AS_OF - timedelta(days=day, seconds=1)).isoformat(), "kind": kind} for day, kind in events
    ]
    body = asked({"customer_id": "c", "orders": rows, "events": happened})
    for route, answer in (("clv", "predicted_value"), ("churn", "churn_probability")):
        status, said = call(route, body, query=f"reasons={count}")
        if status == 422:
            assert "none that is not a return" in said["json"]["detail"]
            continue
        [one] = said["json"]["results"]
        total = one["reasons_base"] + sum(reason["effect"] for reason in one["reasons"]) + one["reasons_rest"]
        assert total == pytest.approx(one[answer], abs=(count + 2) * 5e-7 + abs(one[answer]) * 1e-9)
        sizes = [abs(reason["effect"]) for reason in one["reasons"]]
        assert sizes == sorted(sizes, reverse=True)
