"""The routes. FastAPI documents their contract; the code here reads the request's bytes and writes the response's."""

import gc
import hashlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager
from functools import cache
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regulars import __version__
from regulars.actions.advice import Advisor, to_dict
from regulars.api import correlation, problems, responses
from regulars.api.online import Scored, database, score_checked
from regulars.api.requests import AnyCustomer, UtcInstant, read
from regulars.api.responses import Health, Models, Problem
from regulars.errors import LimitError, MediaTypeError, RequestError
from regulars.models.loader import ModelLoader, process_loader
from regulars.observability import count_customers, timed
from regulars.scoring.score import REASONS
from regulars.settings import settings

V1 = "/v1"
MOST_REASONS = 10
JSON = "application/json"
Handle = Callable[[Request], Awaitable[Response]]

EXAMPLE: dict[str, JsonValue] = {
    "as_of": "2026-06-30T00:00:00Z",
    "customers": [
        {
            "customer_id": "C1",
            "signed_up_at": "2024-02-01",
            "acquisition_cost": 18.0,
            "orders": [{"ordered_at": "2026-03-02T10:00:00Z", "order_value": 42.5}],
            "events": [{"occurred_at": "2026-05-01T08:00:00Z", "kind": "email_open"}],
        }
    ],
}


class ScoringRequest(BaseModel):
    """Customers with their histories or ready features, and the instant to score them at."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    as_of: UtcInstant = Field(
        description="rows at or after it are ignored; ISO 8601, UTC unless it has an offset",
        examples=["2026-06-30T00:00:00Z"],
    )
    customers: list[AnyCustomer] = Field(
        min_length=1, description="each customer is checked on its own: a bad one is rejected alone"
    )


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "model": Problem}
    for status, description in {
        400: "the body is not JSON",
        413: "too many customers, rows or bytes in the request or the response; the limit is named",
        415: "the body's content type is not JSON",
        422: "the request breaks its contract, or no customer could be scored",
        500: "an internal error",
        503: "there is no usable bundle",
    }.items()
}
"""The errors of a scoring route, as application/problem+json."""

HEADERS: dict[str, Any] = {
    "x-correlation-id": {"description": "the caller's own id, else Lambda's request id", "schema": {"type": "string"}},
    "x-regulars-bundle": {"description": "the bundle of models and SQL that scored", "schema": {"type": "string"}},
    "etag": {"description": "the bundle and a hash of the response", "schema": {"type": "string"}},
}

SUCCESS: dict[int | str, dict[str, Any]] = {200: {"headers": HEADERS}}


def direct(handle: Handle) -> type[APIRoute]:
    """Return a route class: FastAPI documents the route by its function, and `handle` serves it."""

    class Direct(APIRoute):
        def get_route_handler(self) -> Any:  # noqa: ANN401 - Starlette's own type
            return handle

    return Direct


def add_scoring_route(app: FastAPI, route: str) -> None:
    """Add POST /v1/<route>, with /<route> as an alias."""

    async def handle(request: Request) -> Response:
        kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
            raise MediaTypeError("send the body as content-type: application/json")
        body, reasons = await _body(request), _reasons(request) if responses.explains(route) else 0
        if "aws.event" in request.scope:  # Lambda sends one request at a time: a thread would only add time
            return _scored(route, body, reasons)
        return await run_in_threadpool(_scored, route, body, reasons)

    def explained(
        request: ScoringRequest,
        reasons: Annotated[int, Query(ge=0, le=MOST_REASONS, description="most reasons for each task")] = REASONS,
    ) -> None: ...

    def plain(request: ScoringRequest) -> None: ...

    for path, shown in ((f"{V1}/{route}", True), (f"/{route}", False)):
        app.router.add_api_route(
            path,
            explained if responses.explains(route) else plain,
            methods=["POST"],
            name=route,
            operation_id=route,
            summary=responses.summary(route),
            include_in_schema=shown,
            response_model=responses.response_model(route) if shown else None,
            response_description="Results in the order of the request, and rejected customers with the reason",
            responses=SUCCESS | PROBLEMS if shown else None,
            route_class_override=direct(handle),
        )


def add_reading_routes(app: FastAPI) -> None:
    """Add GET /v1/models and /v1/health, with aliases without the version."""
    common: dict[str, Any] = {"methods": ["GET"]}
    errors: dict[int | str, dict[str, Any]] = {status: PROBLEMS[status] for status in (500, 503)}
    unchanged: dict[int | str, dict[str, Any]] = {304: {"description": "unchanged since the etag in if-none-match"}}
    for prefix, shown in ((V1, True), ("", False)):
        app.router.add_api_route(
            f"{prefix}/models",
            _documented,
            name="models",
            operation_id="models",
            summary="The models in use, and their metrics.",
            response_model=Models,
            response_description="The bundle, its loaded models, and its metrics on held-out time",
            responses=SUCCESS | unchanged | errors,
            include_in_schema=shown,
            route_class_override=direct(_models),
            **common,
        )
        app.router.add_api_route(
            f"{prefix}/health",
            _documented,
            name="health",
            operation_id="health",
            summary="Is the function up?",
            response_model=Health,
            response_description="The function is up; this opens no bundle",
            include_in_schema=shown,
            route_class_override=direct(_health),
            **common,
        )


def _documented() -> None: ...


async def _health(_: Request) -> Response:
    return Response(Health(status="ok", version=__version__).model_dump_json(), media_type=JSON)


async def _models(request: Request) -> Response:
    loader = process_loader()
    body = responses.models_body(loader.bundle.manifest, loader.loaded)
    headers = _headers(loader.bundle.manifest.bundle, body)
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if headers["etag"] in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=JSON, headers=headers)


def _scored(route: str, body: bytes, reasons: int) -> Response:
    with gc_paused():
        return _response(route, body, reasons)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the garbage collector: orders hold no cycles, and the search for some doubles the time to read them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _response(route: str, body: bytes, reasons: int) -> Response:
    with timed("Validation"):
        as_of, checked = read(body)
    loader = process_loader()
    scored = score_checked(checked, as_of, loader, responses.tasks_of(route), reasons)
    manifest = loader.bundle.manifest
    count_customers(manifest.bundle, manifest.as_of, scored=len(scored.rows), rejected=len(scored.rejected))
    advice = None
    if route == responses.RECOMMEND:
        with timed("Advice"):
            advice = advise(loader, scored)
    content = responses.response_body(scored, route, manifest, as_of, advice)
    return Response(content, media_type=JSON, headers=_headers(manifest.bundle, content))


@cache
def _advisor(loader: ModelLoader) -> Advisor:
    return Advisor(loader.bundle)


def advise(loader: ModelLoader, scored: Scored) -> list[dict[str, Any]]:
    """Return the recommendation for each scored customer; on its own connection, because requests may be concurrent."""
    with closing(database().cursor()) as connection:
        recommendations = _advisor(loader).advise(connection, scored.table, scored.predictions)
    return [to_dict(recommendations[row]) for row in scored.rows]


def _headers(bundle: str, body: bytes) -> dict[str, str]:
    return {"x-regulars-bundle": bundle, "etag": f'"{bundle}-{hashlib.sha256(body).hexdigest()[:16]}"'}


def _reasons(request: Request) -> int:
    text = request.query_params.get("reasons", str(REASONS))
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= MOST_REASONS):  # noqa: PLR2004 - two digits
        raise RequestError(f"reasons must be a whole number from 0 to {MOST_REASONS}")
    return int(text)


async def _body(request: Request) -> bytes:
    """Read the body. LimitError: it has too many bytes."""
    limit, parts, length = settings().max_bytes, [], 0
    async for part in request.stream():
        length += len(part)
        if length > limit:
            raise LimitError(
                f"the request has more than {limit} bytes; send fewer customers at once", "max_bytes", limit
            )
        parts.append(part)
    body = b"".join(parts)
    responses.refuse_too_long(body, "the request", "send fewer customers at once")
    return body


class Outermost:
    """Gives each request its correlation id and each response its headers; turns unexpected errors into responses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[correlation.KEY] = correlation.choose(scope)
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, scope)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # outside, its message would be logged
            if started:
                raise
            await problems.unexpected(scope, error)(scope, receive, sending)


def _add_headers(message: MutableMapping[str, Any], scope: Scope) -> None:
    message["headers"] = [
        *message.get("headers", []),
        (correlation.HEADER.encode(), correlation.correlation_id(scope).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
