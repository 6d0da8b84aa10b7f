"""The routes. FastAPI documents their contract; the code here reads the request's bytes and writes the response's."""

import gc
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from regulars import __version__
from regulars.actions.advice import Advisor, to_dict
from regulars.api import bodies
from regulars.api.contract import responses
from regulars.api.contract.request import ScoringRequest
from regulars.api.contract.responses import PROBLEMS, SUCCESS, Health, Models
from regulars.api.online import Scored, database, score_checked
from regulars.api.requests.check import read
from regulars.errors import LimitError, MediaTypeError, RequestError
from regulars.models.loader import ModelLoader, process_loader
from regulars.observability import count_customers, timed
from regulars.scoring.score import REASONS
from regulars.settings import settings

V1 = "/v1"
MOST_REASONS = 10
JSON = "application/json"
Handle = Callable[[Request], Awaitable[Response]]


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
    body = bodies.models_body(loader.bundle.manifest, loader.loaded)
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
    content = bodies.response_body(scored, route, manifest, as_of, advice)
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
    bodies.refuse_too_long(body, "the request", "send fewer customers at once")
    return body
