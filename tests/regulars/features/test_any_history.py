"""Any history is answered or refused: no request fails, and no customer shows in another's answer.

`make test-nightly` takes a hundred times the examples.
"""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from regulars.api.contract.responses import ROUTES
from regulars.data.schema import EVENT_KINDS
from regulars.models import loader as loaders
from regulars.models.bundle import Bundle
from regulars.models.tasks import TASKS
from tests.conftest import AS_OF, Call
from tests.properties import examples

CANARY = "canary-7f3a"
SENT = "\u2020"
ANY = settings(
    max_examples=examples(1.5),
    deadline=timedelta(seconds=10),  # no hang
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.text(min_size=1, max_size=12)
marked_text = names.map(lambda text: f"{SENT}{text}")
"""Text with a mark, so that it can be found in an answer."""

good_numbers = st.integers(-500_000, 2_000_000).map(lambda cents: cents / 100)
any_numbers = (
    st.integers(-(10**12), 10**12) | st.floats() | st.sampled_from([1e10, -1e10, 1e-7, 0, -0.0, 2**53, 10**30])
)
days = st.integers(-1500, -1)
good_instants = days.map(lambda day: (AS_OF + timedelta(days=day)).isoformat()) | st.builds(
    lambda day, hours: (AS_OF + timedelta(days=day, seconds=hours * 1234)).strftime("%Y-%m-%d %H:%M:%S-08:45"),
    days,
    st.integers(0, 23),
)
any_instants = (
    st.datetimes().map(lambda moment: moment.isoformat())
    | st.dates().map(str)
    | st.sampled_from(
        ["2025-02-30", "2025-06-30T24:00:00Z", "2025-06-30T23:59:60Z", "1970-01-01", "2199-12-31T23:59:59-23:59"]
    )
)
junk = st.recursive(
    st.none() | st.booleans() | any_numbers | marked_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(marked_text, inner, max_size=3),
)


def mostly(good: st.SearchStrategy[Any], *others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a good value, and one time in 60 something else."""
    return st.integers(0, 59).flatmap(lambda draw: st.one_of(*others, junk) if draw == 59 else good)


instants = mostly(good_instants, any_instants)
numbers = mostly(good_numbers, any_numbers)
orders = st.fixed_dictionaries(
    {"ordered_at": instants, "order_value": numbers},
    optional={
        "order_id": mostly(marked_text),
        "quantity": numbers,
        "discount": numbers,
        "margin": numbers,
        "is_return": mostly(st.booleans() | st.none()),
    },
)
events = st.fixed_dictionaries({"occurred_at": instants, "kind": mostly(st.sampled_from(EVENT_KINDS) | marked_text)})
customers = st.fixed_dictionaries(
    {"customer_id": mostly(marked_text), "orders": mostly(st.lists(orders, min_size=1, max_size=6))},
    optional={
        "signed_up_at": mostly(good_instants | st.none(), any_instants),
        "acquisition_cost": mostly(st.none() | st.integers(0, 500), any_numbers),
        "acquisition_channel": mostly(st.none() | marked_text),
        "events": mostly(st.lists(events, max_size=5)),
    },
) | st.fixed_dictionaries(
    {"customer_id": marked_text, "features": st.dictionaries(marked_text | st.just("order_count"), numbers, max_size=3)}
)
requests = st.fixed_dictionaries(
    {
        "as_of": mostly(st.just(AS_OF.isoformat()) | good_instants, any_instants),
        "customers": mostly(st.lists(mostly(customers), min_size=1, max_size=5)),
    }
)


def marked() -> dict[str, Any]:
    """Return a good customer with recognisable numbers and id."""
    rows = [{"ordered_at": f"2025-0{month}-11T10:00:00Z", "order_value": 1234.5 + month} for month in range(1, 6)]
    return {
        "customer_id": CANARY,
        "orders": [{**row, "order_id": f"{CANARY}-{place}"} for place, row in enumerate(rows)],
    }


@pytest.fixture
def alone(call: Call) -> dict[str, Any]:
    """The answers for the marked customer alone, by route."""
    return {route: call(route, {"as_of": AS_OF.isoformat(), "customers": [marked()]})[1]["json"] for route in ROUTES}


@given(request=requests, route=st.sampled_from(ROUTES))
@ANY
def test_any_request_is_answered_or_refused(call: Call, request: dict[str, Any], route: str) -> None:
    """No 5xx, and a problem repeats no text of the request."""
    status, answer = call(route, json.dumps(request))
    event(f"{status}")
    assert status in (200, 400, 422)
    if status == 200:
        assert not {"NaN", "Infinity", "-Infinity"} & set(answer["body"].replace(":", " ").replace(",", " ").split())
        sent = len(request["customers"])
        assert len(answer["json"]["results"]) + len(answer["json"]["rejected"]) == sent
        assert SENT not in json.dumps(answer["json"]["rejected"], ensure_ascii=False)
    else:
        assert SENT not in answer["body"]


@given(others=st.lists(customers, max_size=5), place=st.integers(0, 5), route=st.sampled_from(ROUTES))
@ANY
def test_no_customer_shows_in_anothers_answer(
    call: Call, alone: dict[str, Any], others: list[dict[str, Any]], place: int, route: str
) -> None:
    """The marked customer is answered as if alone; nothing of it is in other answers, now or in the next request."""
    everyone = [*others[:place], marked(), *others[place:]]
    status, answer = call(route, json.dumps({"as_of": AS_OF.isoformat(), "customers": everyone}))
    assert status == 200
    [own] = [result for result in answer["json"]["results"] if result["customer_id"] == CANARY]
    assert own == alone[route]["results"][0]
    rest = [result for result in answer["json"]["results"] if result["customer_id"] != CANARY]
    assert CANARY not in json.dumps([rest, answer["json"]["rejected"]])
    rejected = {reject["index"] for reject in answer["json"]["rejected"]}
    answered = [sent for index, sent in enumerate(everyone) if index not in rejected]
    for sent, result in zip(answered, answer["json"]["results"], strict=True):
        if result["customer_id"] == CANARY:
            continue
        # The others, too, are answered as if alone.
        again = call(route, json.dumps({"as_of": AS_OF.isoformat(), "customers": [sent]}))[1]
        assert again["json"]["results"] == [result]
        assert CANARY not in again["body"]


def test_ids_that_a_database_could_take_as_equal_stay_different(call: Call) -> None:
    """Ids that differ by a NUL, by case, by Unicode form, or by spaces at their ends."""
    ids = ["a", "a\0", "a\0b", "A", "a ", " a", "\u00e9", "e\u0301", "ß", "ss", "a'--", "\U0001f600"]
    rows = [
        {"customer_id": name, "orders": [{"ordered_at": "2025-05-01", "order_value": 10.0 * (place + 1)}] * (place + 1)}
        for place, name in enumerate(ids)
    ]
    together = call("clv", {"as_of": AS_OF.isoformat(), "customers": rows})[1]["json"]
    assert [result["customer_id"] for result in together["results"]] == ids
    for row, result in zip(rows, together["results"], strict=True):
        assert call("clv", {"as_of": AS_OF.isoformat(), "customers": [row]})[1]["json"]["results"] == [result]


@pytest.mark.filterwarnings(
    "ignore:No application metrics"
)  # a process has one set of metrics: one thread writes it for all
def test_eight_threads_on_one_process_load_each_model_once_and_agree(
    call: Call, cold: pytest.MonkeyPatch, alone: dict[str, Any]
) -> None:
    """Through the handlers, from the first request on, each thread with another customer beside."""
    from tests.conftest import forget_process  # noqa: PLC0415 - a new process for this test

    forget_process()
    opened: Counter[str] = Counter()
    for name, task in TASKS.items():

        def load(bundle: Any, name: str = name, make: Any = task.load) -> Any:
            opened[name] += 1
            return make(bundle)

        cold.setattr(task, "load", load)
    cold.setattr(loaders, "Bundle", lambda path: (opened.update(["bundle"]), Bundle(path))[1])
    barrier = threading.Barrier(8)

    def ask(thread: int) -> list[tuple[str, Any]]:
        barrier.wait()
        own = {"customer_id": f"t{thread}", "orders": [{"ordered_at": "2025-05-01", "order_value": 1.0 + thread}]}
        body = {"as_of": AS_OF.isoformat(), "customers": [own, marked()]}
        results = []
        for route in ROUTES:
            status, answer = call(route, body)
            assert (status, [result["customer_id"] for result in answer["json"]["results"]]) == (
                200,
                [f"t{thread}", CANARY],
            )
            results.append((route, answer["json"]["results"][1]))
        return results

    for route in ROUTES:  # the handlers themselves are made before: Lambda imports them in one thread
        call(route, path="/health")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert opened == {"bundle": 1, **dict.fromkeys(TASKS, 1)}
    assert answers == [[(route, alone[route]["results"][0]) for route in ROUTES]] * 8
