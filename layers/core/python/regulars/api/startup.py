"""The start of a function. It opens everything ahead where nobody waits, and else only what a request needs.

Lambda sets AWS_LAMBDA_INITIALIZATION_TYPE:

    snap-start                 serves one whole request before the snapshot. After each restore, it seeds random numbers
                               again. No connection needs renewal: DuckDB is in memory, S3 is called for each file
    provisioned-concurrency    serves one whole request before the first caller
    on-demand, or not set      opens everything at first use. Opening in a thread during the imports was not faster
                               (1.03 of the time, median of 15 pairs, two cores)

The garbage collector is off meanwhile: objects made by imports stay, and searching them took a tenth of a cold start.
So this module imports nothing else of the project before it turns the collector off.
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
    """Return the handler of a function that serves the named routes (tasks, `profile` or `recommend`)."""
    gc.disable()
    try:
        return _http(routes, os.environ.get(KIND))
    finally:
        gc.freeze()
        atexit.register(gc.unfreeze)  # DuckDB's binding reports objects that are frozen at exit as leaked
        gc.enable()


def _http(routes: tuple[str, ...], kind: str | None) -> Handler:
    from regulars.api.app import bare_handler, create_app
    from regulars.observability import instrumented

    handle = bare_handler(create_app(*routes))
    if kind == SNAPSHOT:
        _register_hooks(lambda: prime(handle, routes))
    elif kind == AHEAD:
        prime(handle, routes)
    return instrumented(handle)


def open_all(routes: tuple[str, ...]) -> None:
    """Open the bundle, prepare the statement, and open the models that the routes use."""
    from regulars.api.online import open_statements
    from regulars.models.loader import process_loader
    from regulars.models.tasks import TASKS

    loader = process_loader()
    open_statements(loader)
    for task in TASKS:
        if task in routes or not set(routes) <= set(TASKS):  # a profile uses all
            loader[task]  # opens it


def prime(handle: Handler, routes: tuple[str, ...]) -> None:
    """Open everything, and serve the function's own event once, without counting it in the metrics."""
    from regulars.observability import metrics

    open_all(routes)
    event = Path(os.environ["LAMBDA_TASK_ROOT"]) / "event.json"
    handle(json.loads(event.read_bytes()), None)
    metrics().clear_metrics()
    gc.collect()
    gc.freeze()


def _register_hooks(before: Callable[[], None]) -> None:
    import snapshot_restore_py as snapshot  # only Lambda's runtime has it

    snapshot.register_before_snapshot(before)
    snapshot.register_after_restore(refresh)


def refresh() -> None:
    """Seed Python's random numbers (retries, jitter), which all copies of a snapshot would share.

    `uuid` and `secrets` use the kernel's random numbers, which Lambda seeds again. Nothing uses NumPy's global state.
    """
    random.seed()
