"""Common to all responses: versions, tags, ids, and the number of reasons."""

import hashlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.api.app import ROUTES
from tests.conftest import AS_OF, Call
from tests.properties import examples

ID, OWN = "x-correlation-id", "00000000-0000-0000-0000-000000000000"


def request(*customers: dict[str, Any]) -> dict[str, Any]:
    return {"as_of": AS_OF.isoformat(), "customers": list(customers)}


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_has_a_path_with_and_without_version(call: Call, customer: dict[str, Any], route: str) -> None:
    plain = call(route, request(customer))[1]
    versioned = call(route, request(customer), to=f"/v1/{route}")[1]
    assert plain["body"] == versioned["body"]
    assert plain["headers"]["etag"] == versioned["headers"]["etag"]


def test_every_response_names_its_bundle(call: Call, customer: dict[str, Any], bundle: Any) -> None:
    response = call("churn", request(customer))[1]
    name = bundle.manifest.bundle
    assert response["json"]["bundle"] == response["headers"]["x-regulars-bundle"] == name
    assert response["headers"]["etag"] == f'"{name}-{hashlib.sha256(response["body"].encode()).hexdigest()[:16]}"'
    assert response["headers"]["cache-control"] == "no-store"


def test_models_are_sent_again_only_when_they_differ(call: Call, customer: dict[str, Any]) -> None:
    status, first = call("churn", path="/v1/models")
    tag = first["headers"]["etag"]
    assert status == 200
    assert call("churn", path="/v1/models", headers={"if-none-match": f'"other", W/{tag}'})[0] == 304
    call("churn", request(customer))  # loads a model, which changes the response
    assert call("churn", path="/v1/models", headers={"if-none-match": tag})[0] == 200


def test_the_callers_id_is_in_responses_and_problems(call: Call, customer: dict[str, Any]) -> None:
    for body, status in ((request(customer), 200), (request(), 422)):
        actual, response = call("churn", body, headers={ID: "order-job.17"})
        assert (actual, response["headers"][ID]) == (status, "order-job.17")
    assert response["json"]["correlation_id"] == "order-job.17"


@pytest.mark.parametrize("sent", [{}, {ID: "jane@example.com"}, {ID: "two words"}, {ID: "x" * 129}, {ID: ""}])
def test_without_a_valid_id_lambdas_is_used(call: Call, customer: dict[str, Any], sent: dict[str, str]) -> None:
    """Ids are logged, so free text is not accepted."""
    assert call("churn", request(customer), headers=sent)[1]["headers"][ID] == OWN
    assert call("churn", path="/nowhere", headers=sent)[1]["json"]["correlation_id"] == OWN


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_another_media_type_is_refused(call: Call, customer: dict[str, Any], kind: str) -> None:
    status, response = call("churn", request(customer), headers={"content-type": kind})
    assert (status, response["json"]["type"]) == (415, "urn:regulars:problem:unsupported-media-type")


def test_the_error_of_a_wrong_method_names_the_allowed_ones(call: Call) -> None:
    status, response = call("churn", path="/v1/churn")
    assert (status, response["headers"]["allow"]) == (405, "POST")


@pytest.mark.parametrize("count", [0, 1, 10])
def test_the_request_sets_the_number_of_reasons(call: Call, customer: dict[str, Any], count: int) -> None:
    for route in ("clv", "churn"):
        [result] = call(route, request(customer), query=f"reasons={count}")[1]["json"]["results"]
        assert len(result["reasons"]) == count
        assert (result["reasons_base"] is None) == (count == 0)


@pytest.mark.parametrize("count", ["11", "-1", "3.5", "three", "", "٣", "1e1"])
def test_an_invalid_number_of_reasons_is_refused(call: Call, customer: dict[str, Any], count: str) -> None:
    status, response = call("churn", request(customer), query=f"reasons={count}")
    assert (status, response["json"]["detail"]) == (422, "reasons must be a whole number from 0 to 10")


DAYS = st.integers(0, 720)
ORDERS = st.lists(st.tuples(DAYS, st.integers(-20_000, 100_000)), min_size=1, max_size=12)
EVENTS = st.lists(
    st.tuples(DAYS, st.sampled_from(["email_sent", "email_open", "site_visit", "support_ticket"])), max_size=6
)


@given(orders=ORDERS, events=EVENTS, count=st.integers(1, 10))
@settings(max_examples=examples(0.4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_base_effects_and_rest_add_up_to_the_score(
    call: Call, orders: list[tuple[int, int]], events: list[tuple[int, str]], count: int
) -> None:
    """For any number of reasons; each value is rounded to six decimals."""
    from datetime import timedelta  # noqa: PLC0415 - used only here

    rows = [
        {"ordered_at": (AS_OF - timedelta(days=day + 1)).isoformat(), "order_value": cents / 100}
        for day, cents in orders
    ]
    visits = [
        {"occurred_at": (AS_OF - timedelta(days=day, seconds=1)).isoformat(), "kind": kind} for day, kind in events
    ]
    body = request({"customer_id": "c", "orders": rows, "events": visits})
    for route, field in (("clv", "predicted_value"), ("churn", "churn_probability")):
        status, response = call(route, body, query=f"reasons={count}")
        if status == 422:
            assert "none that is not a return" in response["json"]["detail"]
            continue
        [result] = response["json"]["results"]
        total = result["reasons_base"] + sum(reason["effect"] for reason in result["reasons"]) + result["reasons_rest"]
        assert total == pytest.approx(result[field], abs=(count + 2) * 5e-7 + abs(result[field]) * 1e-9)
        sizes = [abs(reason["effect"]) for reason in result["reasons"]]
        assert sizes == sorted(sizes, reverse=True)
