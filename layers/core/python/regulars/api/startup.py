"""How a function starts: nothing before it is needed, and all of it where Lambda starts ahead of the need.

Lambda says in AWS_LAMBDA_INITIALIZATION_TYPE what a start is for:

    snap-start                 a whole request is answered before the snapshot; after each restore, random state is
                               drawn anew. No connection is to renew: DuckDB lives in memory, S3 is asked per file
    provisioned-concurrency    the same, while nobody waits
    on-demand, or nothing      everything opens when first asked for. To open it in a thread beside the imports was
                               tried: no sooner (1.03 of the time, median of 15 pairs, two cores)

The garbage collector rests meanwhile: what imports make stays, and looking through it took a tenth of a cold start.
This module imports nothing else of the project before the collector rests.
"""

import atexit
import gc
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

KIND = "AWS_LAMBDA_INITIALIZATION_TYPE"
AHEAD, SNAPSHOT = "provisioned-concurrency", "snap-start"

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def http(*routes: str) -> Handler:
    """Return the handler of a function that serves the named routes (tasks, or `profile`)."""
    gc.disable()
    try:
        return _http(routes, os.environ.get(KIND))
    finally:
        gc.freeze()
        atexit.register(gc.unfreeze)  # DuckDB's binding reports objects that stay frozen at exit as leaked
        gc.enable()


def _http(routes: tuple[str, ...], kind: str | None) -> Handler:
    from regulars.api.app import bare_handler, create_app
    from regulars.observability import instrumented

    handle = bare_handler(create_app(*routes))
    if kind == SNAPSHOT:
        _hook(lambda: prime(handle, routes))
    elif kind == AHEAD:
        prime(handle, routes)
    return instrumented(handle)


def open_all(routes: tuple[str, ...]) -> None:
    """Open the bundle, prepare the statement, and open the models that the routes ask."""
    from regulars.api.online import open_statements
    from regulars.models.loader import process_loader
    from regulars.models.tasks import TASKS

    loader = process_loader()
    open_statements(loader)
    for task in TASKS:
        if task in routes or not set(routes) <= set(TASKS):  # a profile asks them all
            loader[task]  # a lookup opens it


def prime(handle: Handler, routes: tuple[str, ...]) -> None:
    """Open everything and answer the function's own event once; leave no trace of it in the metrics."""
    from regulars.observability import metrics

    open_all(routes)
    event = Path(os.environ["LAMBDA_TASK_ROOT"]) / "event.json"
    handle(json.loads(event.read_bytes()), None)
    metrics().clear_metrics()
    gc.collect()
    gc.freeze()


def _hook(before: Callable[[], None]) -> None:
    import snapshot_restore_py as snapshot  # Lambda's runtime brings it, and only there

    snapshot.register_before_snapshot(before)
    snapshot.register_after_restore(refresh)


def refresh() -> None:
    """Draw anew what all copies of one snapshot would share: the seed of Python's random numbers (retries, jitter).

    `uuid` and `secrets` ask the kernel each time, which Lambda reseeds itself; nothing here uses NumPy's global state.
    """
    random.seed()
