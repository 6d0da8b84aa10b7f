"""Limits of requests and responses: the error has the limit's name."""

import json
from typing import Any

import pytest

from tests.conftest import AS_OF, Call

ORDER = {"ordered_at": "2025-05-01", "order_value": 42.5}


def request(*sent: dict[str, Any]) -> dict[str, Any]:
    return {"as_of": AS_OF.isoformat(), "customers": list(sent)}


def customers(count: int, orders: int = 1) -> list[dict[str, Any]]:
    return [{"customer_id": str(number), "orders": [ORDER] * orders} for number in range(count)]


@pytest.mark.parametrize(
    ("limit", "value", "body"),
    [
        ("max_customers", 2, request(*customers(3))),
        ("max_rows", 7, request(*customers(2, 4))),
        ("max_customer_rows", 3, request(*customers(1, 4))),
        ("max_bytes", 1_000, request(*customers(1, 40))),
    ],
)
def test_a_request_above_a_limit_is_refused_with_its_name(
    call: Call, cold: pytest.MonkeyPatch, limit: str, value: int, body: dict[str, Any]
) -> None:
    assert call("churn", body)[0] == 200
    cold.setenv(f"REGULARS_{limit.upper()}", str(value))
    from tests.conftest import forget_process  # noqa: PLC0415 - so that settings are read again

    forget_process()
    status, response = call("churn", body)
    assert status == 413
    problem = response["json"]
    assert (problem["type"], problem["limit"], problem["value"]) == ("urn:regulars:problem:too-large", limit, value)
    assert str(value) in problem["detail"]


def test_one_customer_with_too_many_rows_is_rejected_alone(call: Call, cold: pytest.MonkeyPatch) -> None:
    cold.setenv("REGULARS_MAX_CUSTOMER_ROWS", "3")
    large = {"customer_id": "large", "orders": [ORDER] * 4}
    status, response = call("churn", request(large, *customers(2)))
    assert status == 200
    [rejected] = response["json"]["rejected"]
    assert (rejected["index"], rejected["cause"]) == (0, "too_large")
    assert "4 of one customer, the limit is 3" in rejected["reason"]


def test_a_response_that_is_too_long_is_refused(call: Call, cold: pytest.MonkeyPatch) -> None:
    """Lambda would drop it. With fewer reasons, the same request succeeds."""
    cold.setenv("REGULARS_MAX_BYTES", "9000")
    body = request(*customers(20))
    status, response = call("churn", body, query="reasons=10")
    assert (status, response["json"]["limit"]) == (413, "max_bytes")
    assert "ask for fewer reasons" in response["json"]["detail"]
    assert call("churn", body, query="reasons=0")[0] == 200


def test_quotes_count_twice_as_lambda_escapes_them(call: Call, cold: pytest.MonkeyPatch) -> None:
    body = json.dumps(request(*customers(8)))
    cold.setenv("REGULARS_MAX_BYTES", str(max(1_000, len(body) + 10)))
    assert call("churn", body)[0] == 413
