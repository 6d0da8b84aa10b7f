"""A process has one loader, which opens each model once, whatever the number of threads."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars.api.online import score_checked
from regulars.api.requests.check import check
from regulars.models import loader as loaders
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader, process_loader
from regulars.models.tasks import TASKS, churn, clv
from regulars.models.trees import TreeModel
from tests.conftest import AS_OF, Call

THREADS = 8


def together(work: Callable[[], Any]) -> list[Any]:
    """Run the same work in eight threads that start together."""
    barrier = threading.Barrier(THREADS)

    def start(_: int) -> object:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of openings of each bundle, task and tree model."""
    counts: Counter[str] = Counter()

    def counting(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: object, **more: object) -> object:
            counts[name] += 1
            return make(*args, **more)

        return counted

    monkeypatch.setattr(loaders, "Bundle", counting("bundle", Bundle))
    for name, task in TASKS.items():
        monkeypatch.setattr(task, "load", counting(name, task.load))
    for module in (churn, clv):
        monkeypatch.setattr(module, "TreeModel", counting(f"{module.NAME} trees", TreeModel))
    return counts


def test_a_model_is_opened_at_first_use(loader: ModelLoader, opened: Counter[str]) -> None:
    assert loader.loaded == []
    assert loader["segment"] is loader["segment"]
    assert opened == {"segment": 1}
    assert loader.loaded == ["segment"]


def test_threads_that_start_together_share_one_loader(
    cold: pytest.MonkeyPatch, bundle_folder: Path, opened: Counter[str]
) -> None:
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))
    loaders = together(process_loader)
    assert len({id(loader) for loader in loaders}) == 1
    assert opened == {"bundle": 1}


def test_eight_first_requests_open_each_model_once(
    cold: pytest.MonkeyPatch, bundle_folder: Path, opened: Counter[str], customer: dict[str, Any]
) -> None:
    """All eight get the same answer."""
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))
    scored = together(lambda: score_checked(check([customer]), AS_OF, process_loader(), list(TASKS)))
    answers = [[scores.fields(task)[0] for task in TASKS] for scores in scored]
    assert answers == [answers[0]] * THREADS
    trees = {"churn trees": 1, "clv trees": len(clv.PARTS)}
    assert opened == {"bundle": 1, "churn": 1, "clv": 1, "segment": 1, **trees}


def test_a_function_opens_only_what_it_serves(call: Call, opened: Counter[str], customer: dict[str, Any]) -> None:
    body = {"as_of": "2025-07-01", "customers": [customer]}
    assert call("segment", body)[0] == 200
    assert opened == {"bundle": 1, "segment": 1}


def test_tables_are_mapped_and_cannot_be_written(bundle: Bundle) -> None:
    table = bundle.array("churn/leaf_table.npy")
    assert isinstance(table, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0
