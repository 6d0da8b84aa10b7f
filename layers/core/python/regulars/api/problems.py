"""Turn errors into HTTP responses: problem details (RFC 9457) that never repeat what was sent."""

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from regulars.api.correlation import correlation_id
from regulars.errors import LimitError, RegularsError
from regulars.observability import logger

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:regulars:problem:"
TITLES = {
    "invalid-request": "The request breaks its contract",
    "nobody-answered": "No customer could be answered",
    "not-json": "The body is not JSON",
    "unsupported-media-type": "The body is not JSON",
    "too-large": "Too large",
    "no-usable-bundle": "There is no usable bundle",
    "internal-error": "An error of ours",
}
"""The problem types and their titles; docs/api.md explains them."""


def problem(
    scope: Mapping[str, Any],
    status: int,
    kind: str | None,
    detail: str,
    extra: Mapping[str, str | int] | None = None,
) -> Response:
    """Return a problem document; without a kind, its type is about:blank."""
    title = TITLES[kind] if kind else HTTPStatus(status).phrase
    content = {"type": f"{TYPE}{kind}" if kind else "about:blank", "title": title, "status": status, "detail": detail}
    body = to_json(content | {"correlation_id": correlation_id(scope)} | dict(extra or {}))
    return Response(body, status_code=status, media_type=MEDIA_TYPE)


async def refused(request: Request, error: Exception) -> Response:
    """Return the response to an error of the package; errors from status 500 on are logged."""
    if not isinstance(error, RegularsError):
        raise error
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        fields = {"kind": type(error).__name__, "cause": str(error), "correlation_id": correlation_id(request.scope)}
        logger().error("refused", extra=fields)
    extra: dict[str, str | int] = {"limit": error.limit, "value": error.value} if isinstance(error, LimitError) else {}
    return problem(request.scope, error.status, error.kind, str(error), extra)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    response = problem(request.scope, error.status_code, None, HTTPStatus(error.status_code).description)
    response.headers.update(error.headers or {})
    return response


def unexpected(scope: Mapping[str, Any], error: Exception) -> Response:
    """Return the response to an unexpected error, and log where it happened.

    Its message is not logged, because it may hold a customer's row.
    """
    where = "".join(traceback.format_tb(error.__traceback__))
    fields = {"kind": type(error).__name__, "where": where, "correlation_id": correlation_id(scope)}
    logger().error("unexpected", extra=fields)
    detail = "internal error; the log has it under this correlation id"
    return problem(scope, HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail)


def describe(openapi: dict[str, Any]) -> None:
    """Give errors in an OpenAPI document the media type of problem documents; FastAPI assumes plain JSON."""
    methods = [method for path in openapi["paths"].values() for method in path.values()]
    for status, response in (pair for method in methods for pair in method["responses"].items()):
        if int(status) >= HTTPStatus.BAD_REQUEST:
            response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}


def install(app: FastAPI) -> None:
    """Register the error handlers of an app."""
    app.add_exception_handler(RegularsError, refused)
    app.add_exception_handler(HTTPException, _http)
