"""The FastAPI app of a function, from the routes that it serves, and its Lambda handler."""

import asyncio
import threading
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from regulars import __version__
from regulars.api import problems
from regulars.api.contract.responses import ROUTES
from regulars.api.middleware import Outermost
from regulars.api.routes import add_reading_routes, add_scoring_route
from regulars.observability import Handler, instrumented

__all__ = ["ROUTES", "bare_handler", "create_app", "lambda_handler"]

TEXT = ["text/", "application/json", "application/problem+json"]
"""Media types sent as text; Mangum sends all others in base64."""

ABOUT = """Scores customers from their history, or from ready features.

Money is in major units of the bundle's currency. Instants are ISO 8601, and UTC unless they have an offset. Every error
is a problem document (RFC 9457) that never repeats what was sent. See docs/api.md."""


def create_app(*routes: str) -> FastAPI:
    """Build the app that serves the named routes (tasks, `profile` or `recommend`), health and models.

    It has no documentation pages, because they load scripts from other hosts. /openapi.json is the contract.
    """
    app = FastAPI(title="Regulars", version=__version__, description=ABOUT, docs_url=None, redoc_url=None)
    for name in routes:
        add_scoring_route(app, name)
    add_reading_routes(app)
    problems.install(app)
    app.add_middleware(Outermost)
    default = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            problems.describe(default())
        return default()

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation shows
    return app


def bare_handler(app: FastAPI) -> Handler:
    """Wrap an app for API Gateway, without logs, metrics and traces around it."""
    _have_event_loop()
    mangum = Mangum(app, lifespan="off", text_mime_types=TEXT)

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
        _have_event_loop()
        return mangum(event, context)

    return handle


def lambda_handler(app: FastAPI) -> Handler:
    """Wrap an app for API Gateway, with logs, metrics and traces."""
    return instrumented(bare_handler(app))


_loops = threading.local()


def _have_event_loop() -> None:
    """Give this thread an event loop: Mangum needs a current one, and Python does not make it any more."""
    if not hasattr(_loops, "own"):
        _loops.own = _OwnLoop()


class _OwnLoop:
    """An event loop that is closed when its thread ends."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)

    def __del__(self) -> None:
        self._loop.close()
