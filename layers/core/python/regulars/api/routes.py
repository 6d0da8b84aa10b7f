"""The routes: FastAPI knows their contract and documents it; bytes are read and written here, each once."""

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
    """Customers with their histories or their features, and the instant at which to look at them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    as_of: UtcInstant = Field(
        description="rows at or after it are not looked at; ISO 8601, UTC unless it has an offset",
        examples=["2026-06-30T00:00:00Z"],
    )
    customers: list[AnyCustomer] = Field(
        min_length=1, description="each is checked by itself: a bad one is rejected alone"
    )


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "model": Problem}
    for status, said in {
        400: "the body is not JSON",
        413: "more customers, rows or bytes than one request, or its answer, may have; the limit is named",
        415: "the body's content type is not JSON",
        422: "the request breaks its contract, or none of its customers could be answered",
        500: "an error of ours",
        503: "there is no usable bundle",
    }.items()
}
"""Every problem that a route may answer with, as application/problem+json."""

HEADERS: dict[str, Any] = {
    "x-correlation-id": {"description": "the caller's own id, or else Lambda's", "schema": {"type": "string"}},
    "x-regulars-bundle": {"description": "the models and the SQL that answered", "schema": {"type": "string"}},
    "etag": {"description": "the bundle and a hash of the answer", "schema": {"type": "string"}},
}

ANSWERED: dict[int | str, dict[str, Any]] = {200: {"headers": HEADERS}}


def direct(handle: Handle) -> type[APIRoute]:
    """Return a kind of route that FastAPI documents by its function, and that `handle` answers."""

    class Direct(APIRoute):
        def get_route_handler(self) -> Any:  # noqa: ANN401 - Starlette's own type
            return handle

    return Direct


def add_scoring_route(app: FastAPI, route: str) -> None:
    """Add POST /v1/<route>, and /<route> as another name of it: one task, or all of them for a profile."""

    async def handle(request: Request) -> Response:
        kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
            raise MediaTypeError("send the body as content-type: application/json")
        body, reasons = await _body(request), _reasons(request) if responses.explains(route) else 0
        if "aws.event" in request.scope:  # Lambda sends one request at a time: a thread would only cost
            return _scored(route, body, reasons)
        return await run_in_threadpool(_scored, route, body, reasons)

    def explained(
        request: ScoringRequest,
        reasons: Annotated[int, Query(ge=0, le=MOST_REASONS, description="reasons for each answer")] = REASONS,
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
            response_description="Answers in the order asked, and who was rejected and why",
            responses=ANSWERED | PROBLEMS if shown else None,
            route_class_override=direct(handle),
        )


def add_reading_routes(app: FastAPI) -> None:
    """Add GET /v1/models and /v1/health, and the same without a version."""
    common: dict[str, Any] = {"methods": ["GET"]}
    broken: dict[int | str, dict[str, Any]] = {status: PROBLEMS[status] for status in (500, 503)}
    same: dict[int | str, dict[str, Any]] = {304: {"description": "still the same as the etag sent in if-none-match"}}
    for prefix, shown in ((V1, True), ("", False)):
        app.router.add_api_route(
            f"{prefix}/models",
            _documented,
            name="models",
            operation_id="models",
            summary="Which models answer, and how good they are.",
            response_model=Models,
            response_description="What answers, what of it is loaded, and how good it was on held-out time",
            responses=ANSWERED | same | broken,
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
            response_description="It is up; no bundle was opened",
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
    headers = _traced(loader.bundle.manifest.bundle, body)
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if headers["etag"] in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=JSON, headers=headers)


def _scored(route: str, body: bytes, reasons: int) -> Response:
    with undisturbed():
        return _answered(route, body, reasons)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let the garbage collector wait: orders hold no cycles, and to look for some doubles what reading them costs."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _answered(route: str, body: bytes, reasons: int) -> Response:
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
    answer = responses.answer_body(scored, route, manifest, as_of, advice)
    return Response(answer, media_type=JSON, headers=_traced(manifest.bundle, answer))


@cache
def _advisor(loader: ModelLoader) -> Advisor:
    return Advisor(loader.bundle)


def advise(loader: ModelLoader, scored: Scored) -> list[dict[str, Any]]:
    """Return what to do for each answered customer; on a connection of its own, as requests may come together."""
    with closing(database().cursor()) as connection:
        found = _advisor(loader).advise(connection, scored.table, scored.predictions)
    return [to_dict(found[row]) for row in scored.rows]


def _traced(bundle: str, body: bytes) -> dict[str, str]:
    return {"x-regulars-bundle": bundle, "etag": f'"{bundle}-{hashlib.sha256(body).hexdigest()[:16]}"'}


def _reasons(request: Request) -> int:
    asked = request.query_params.get("reasons", str(REASONS))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 2 and int(asked) <= MOST_REASONS):  # noqa: PLR2004 - two digits
        raise RequestError(f"reasons: a whole number from 0 to {MOST_REASONS} is asked for")
    return int(asked)


async def _body(request: Request) -> bytes:
    """Read the body as far as it may go."""
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
    """Gives each request its correlation id and each answer its headers, and lets no error out as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
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
        except Exception as error:  # outside, its text would be logged as it is
            if started:
                raise
            await problems.unforeseen(scope, error)(scope, receive, sending)


def _add_headers(message: MutableMapping[str, Any], scope: Scope) -> None:
    message["headers"] = [
        *message.get("headers", []),
        (correlation.HEADER.encode(), correlation.correlation_id(scope).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
