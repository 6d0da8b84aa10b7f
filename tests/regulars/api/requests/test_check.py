"""The check of each customer of a request."""

from typing import Any

import pytest

from regulars.api.requests.check import check

ORDER = {"ordered_at": "2025-05-01T10:00:00Z", "order_value": 42.5}
GOOD: dict[str, Any] = {"customer_id": "c", "orders": [ORDER]}
SECRET = "jane@example.com"  # noqa: S105 - stands for a customer's data


@pytest.fixture(autouse=True)
def _limits(cold: pytest.MonkeyPatch) -> None:
    """Limits are settings, and settings need a bundle folder."""
    cold.setenv("REGULARS_BUNDLE", "/nowhere")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"orders": [ORDER]}, "customer_id: field required"),
        ({**GOOD, "customer_id": ""}, "customer_id: string should have at least 1 character"),
        ({**GOOD, "customer_id": 7}, "customer_id: input should be a valid string"),
        ({**GOOD, "orders": []}, "orders: list should have at least 1 item"),
        ({**GOOD, "email": SECRET}, "email: extra inputs are not permitted"),
        ({**GOOD, "acquisition_cost": -1}, "acquisition_cost: input should be greater than or equal to 0"),
        ({**GOOD, "signed_up_at": SECRET}, "signed_up_at: no instant between 1970 and 2199"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "20240301x"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": 20240301}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "2024"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "0001-01-01T00:00:00+05:00"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "9999-12-31T23:59:59-05:00"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "20240301"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "2024-02-30"}]}, "orders.0.ordered_at: no instant"),
        ({**GOOD, "orders": [{**ORDER, "ordered_at": "2024-02-03Tx"}]}, "orders.0.ordered_at: no instant"),
        (
            {**GOOD, "orders": [ORDER, {**ORDER, "order_value": SECRET}]},
            "orders.1.order_value: input should be a valid",
        ),
        ({**GOOD, "orders": [{**ORDER, "order_value": float("nan")}]}, "orders.0.order_value: input should be"),
        ({**GOOD, "orders": [{**ORDER, "order_value": float("inf")}]}, "orders.0.order_value: input should be"),
        ({**GOOD, "orders": [{**ORDER, "order_value": 1e13}]}, "orders.0.order_value: input should be less than"),
        ({**GOOD, "orders": [{"order_value": 1}]}, "orders.0.ordered_at: field required"),
        ({**GOOD, "events": [{"kind": "site_visit"}]}, "events.0.occurred_at: field required"),
        (None, "input should be a valid dictionary"),
        (SECRET, "input should be a valid dictionary"),
    ],
)
def test_one_bad_customer_is_rejected_with_place_and_cause(bad: object, reason: str) -> None:
    """The others are good, and the reason never repeats what was sent."""
    checked = check([GOOD, bad, {**GOOD, "customer_id": "d"}])
    [rejected] = checked.rejected
    assert list(checked.good) == [0, 2]
    assert rejected.index == 1
    assert reason in rejected.reason
    assert SECRET not in rejected.reason


def test_the_second_of_two_with_one_id_is_rejected() -> None:
    checked = check([GOOD, GOOD])
    [rejected] = checked.rejected
    assert (list(checked.good), rejected.index, rejected.cause) == ([0], 1, "duplicate")
    assert rejected.reason == "customer_id: the same as that of customer 0 of this request"


def test_many_errors_are_listed_in_one_line() -> None:
    [rejected] = check([{**GOOD, "orders": [{"order_value": 1}] * 9}]).rejected
    assert rejected.reason.endswith("; and 4 more")
    assert "\n" not in rejected.reason
