"""Each function through its own Lambda handler: responses, and errors as problem details."""

import json
from typing import Any

import pytest

from regulars.api.app import ROUTES, create_app, lambda_handler
from regulars.api.contract.responses import result_model
from regulars.models.tasks import TASKS
from regulars_workbench.invoke import LocalContext
from tests.conftest import ROOT, Call, event

SECRET = "jane@example.com"  # noqa: S105 - stands for a customer's data


def request(*customers: object, as_of: str = "2025-07-01T00:00:00Z", **fields: object) -> dict[str, Any]:
    return {"as_of": as_of, "customers": list(customers), **fields}


def refused(returned: tuple[int, dict[str, Any]], status: int) -> str:
    """Check that the response is a problem document of this status that repeats no data; return its detail."""
    actual, response = returned
    assert actual == status
    assert response["headers"]["content-type"] == "application/problem+json"
    limits = {"limit", "value"} if status == 413 else set()
    assert set(response["json"]) == {"type", "title", "status", "detail", "correlation_id"} | limits
    assert response["json"]["status"] == status
    assert SECRET not in response["body"]
    return str(response["json"]["detail"])


@pytest.mark.parametrize("route", ROUTES)
def test_the_functions_own_event_is_served(call: Call, route: str) -> None:
    """The response has the documented fields for each of the three customers, in the request's order."""
    body = json.loads((ROOT / "functions" / route / "event.json").read_text())["body"]
    status, response = call(route, body)
    assert status == 200
    assert set(response["json"]) == {"bundle", "as_of", "horizon_days", "results", "rejected"}
    assert response["json"]["rejected"] == []
    results = response["json"]["results"]
    assert [result["customer_id"] for result in results] == ["C1", "C2", "C3"]
    assert set(results[0]) == set(result_model(route).model_fields)
    if route in TASKS:
        assert set(results[0]) >= set(TASKS[route].Answer.model_fields)
    elif route == "profile":
        assert {"recency_score", "frequency_score", "monetary_score", "rfm_cell", *TASKS} == set(results[0]) - {
            "customer_id"
        }
    assert response["json"]["horizon_days"] == 90
    assert response["json"]["as_of"] == "2026-07-01T00:00:00Z"


def test_a_profile_has_the_results_of_the_tasks(call: Call) -> None:
    body = json.loads((ROOT / "functions" / "profile" / "event.json").read_text())["body"]
    profiles = call("profile", body)[1]["json"]["results"]
    for task in TASKS:
        alone = call(task, body)[1]["json"]["results"]
        assert [{"customer_id": profile["customer_id"], **profile[task]} for profile in profiles] == alone


def test_health_opens_no_bundle(call: Call, cold: pytest.MonkeyPatch) -> None:
    cold.setenv("REGULARS_BUNDLE", "/nowhere")
    status, response = call("churn", path="/health")
    assert (status, response["json"]["status"]) == (200, "ok")


def test_models_has_loaded_models_and_metrics(call: Call, customer: dict[str, Any]) -> None:
    assert call("churn", path="/models")[1]["json"]["loaded"] == []
    call("churn", request(customer))
    models = call("churn", path="/models")[1]["json"]
    assert models["loaded"] == ["churn"]
    assert {"bundle", "as_of", "horizon_days", "metrics", "verdict", "libraries"} <= set(models)
    assert 0 < models["metrics"]["churn"]["roc_auc"] <= 1
    assert "files" not in models


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"customers": [{}]}, "as_of: field required"),
        ({"as_of": SECRET, "customers": [{}]}, "as_of: no instant between 1970 and 2199"),
        ({"as_of": "2025-07-01"}, "customers: field required"),
        ({"as_of": "2025-07-01", "customers": []}, "customers: list should have at least 1 item"),
        ({"as_of": "2025-07-01", "customers": SECRET}, "customers: input should be a valid list"),
        ({"as_of": "2025-07-01", "customers": [{}], SECRET[:4]: 1}, "extra inputs are not permitted"),
        ("[1, 2]", "input should be a valid dictionary"),
    ],
)
def test_a_broken_request_is_a_problem(call: Call, body: object, detail: str) -> None:
    assert detail in refused(call("churn", body), 422).lower()


@pytest.mark.parametrize(
    "body", ['{"as_of": ' + SECRET, None, "", '{"as_of": "2025-07-01", "customers": ["\\ud800"]}', "[" * 999]
)
def test_a_body_that_is_not_json_is_refused_with_the_place(call: Call, body: object) -> None:
    assert "the body is not JSON: " in refused(call("churn", body), 400)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_value_that_is_no_number_is_never_scored(call: Call, number: str) -> None:
    """JSON has no NaN, but Python's parser accepts it. The customer is rejected, not scored as NaN."""
    body = json.dumps(request({"customer_id": "c", "orders": [{"ordered_at": "2025-05-01", "order_value": 1.25}]}))
    detail = refused(call("clv", body.replace("1.25", number)), 422)
    assert "order_value" in detail


def test_too_many_customers_names_the_limit(call: Call, cold: pytest.MonkeyPatch, customer: dict[str, Any]) -> None:
    cold.setenv("REGULARS_MAX_CUSTOMERS", "2")
    many = [{**customer, "customer_id": str(number)} for number in range(3)]
    assert "3 in one request, the limit is 2; send fewer, or use batch" in refused(call("churn", request(*many)), 413)
    assert call("churn", request(*many[:2]))[0] == 200


def test_bad_customers_are_rejected_by_index_and_the_others_scored(call: Call, customer: dict[str, Any]) -> None:
    late = {"customer_id": "late", "orders": [{"ordered_at": "2025-07-01T00:00:00Z", "order_value": 5}]}
    returner = {"customer_id": "returner", "orders": [{"ordered_at": "2025-06-01", "order_value": -5}]}
    wrong = {"customer_id": SECRET, "orders": [{"ordered_at": SECRET, "order_value": 5}]}
    other = {**customer, "customer_id": "other"}
    status, response = call("churn", request(late, customer, wrong, customer, returner, other))
    assert status == 200
    assert [result["customer_id"] for result in response["json"]["results"]] == ["good", "other"]
    reasons = {customer["index"]: customer["reason"] for customer in response["json"]["rejected"]}
    assert list(reasons) == [0, 2, 3, 4]
    assert reasons[0] == reasons[4] == "orders: none that is not a return before as_of"
    assert "orders.0.ordered_at" in reasons[2]
    assert "the same as that of customer 1" in reasons[3]
    assert SECRET not in response["body"]


def test_a_request_without_a_good_customer_is_a_problem(call: Call, customer: dict[str, Any]) -> None:
    detail = refused(call("churn", request({"customer_id": SECRET}, 5)), 422)
    assert detail.startswith("no customer could be answered; customers.0: orders: field required")
    assert "none that is not a return" in refused(call("churn", request(customer, as_of="2020-01-01")), 422)


def test_the_error_of_an_absent_bundle_has_the_next_step(
    call: Call, cold: pytest.MonkeyPatch, customer: dict[str, Any]
) -> None:
    cold.setenv("REGULARS_BUNDLE", "/nowhere")
    assert refused(call("churn", request(customer)), 503).endswith('run "regulars train" or set REGULARS_BUNDLE')


def test_a_missing_setting_is_named(call: Call, cold: pytest.MonkeyPatch, customer: dict[str, Any]) -> None:
    cold.delenv("REGULARS_BUNDLE")
    assert "REGULARS_BUNDLE: field required" in refused(call("churn", request(customer)), 500)


@pytest.mark.parametrize(("path", "status"), [("/elsewhere", 404), ("/churn", 405)])
def test_other_paths_and_methods_are_problems_too(call: Call, path: str, status: int) -> None:
    refused(call("churn", path=path), status)


def test_an_unexpected_error_does_not_show_its_message(caplog: pytest.LogCaptureFixture) -> None:
    """The response is a problem document. The log has the place of the error, but not its message."""
    app = create_app("churn")

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError(SECRET)

    response = lambda_handler(app)(event("churn", None, "/broken"), LocalContext("churn"))
    detail = refused((response["statusCode"], response | {"json": json.loads(response["body"])}), 500)
    assert "the log has it" in detail
    assert "ZeroDivisionError" not in response["body"]
    record = next(record for record in caplog.records if record.message == "unexpected")
    assert vars(record)["kind"] == "ZeroDivisionError"
    assert "in broken" in vars(record)["where"]
    assert SECRET not in vars(record)["where"]


def test_logs_and_metrics_hold_no_customer(
    call: Call, customer: dict[str, Any], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"customer_id": SECRET, "orders": [{"ordered_at": SECRET, "order_value": 5}]}
    call("churn", request({**customer, "customer_id": SECRET}, wrong))
    call("churn", request(wrong))
    metrics = capsys.readouterr().out
    assert "CustomersScored" in metrics
    assert SECRET not in metrics + "".join(str(vars(record)) for record in caplog.records)
