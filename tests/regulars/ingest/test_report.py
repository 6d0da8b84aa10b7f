"""The verdict: what it advises, what is a must, and in which words."""

import pytest

from regulars.ingest.report import counted, judge


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ((90, 60, 30), "60 customers, at least 100 are advised; bring more history"),
        ((90, 1, 10), "1 customer, at least 100 are advised; bring more history"),
        ((90, 120, 1), "1 customer with a second order, at least 10 are advised; bring more history"),
        ((1, 120, 30), "1 day of orders, at least 21 are needed; bring more history"),
        ((90, 100, 10), "90 days of orders carry a horizon of up to 30 days"),
    ],
)
def test_the_verdict_tells_advice_from_need(given: tuple[int, int, int], reason: str) -> None:
    assert judge(*given).reason == reason


def test_one_is_singular() -> None:
    assert [counted(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
