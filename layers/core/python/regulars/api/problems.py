"""Errors become HTTP here and nowhere else: problem details (RFC 9457) that never repeat what was sent."""

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
"""The problem types; docs/api.md tells what each means and what to do."""


def problem(
    scope: Mapping[str, Any],
    status: int,
    kind: str | None,
    detail: str,
    more: Mapping[str, str | int] | None = None,
) -> Response:
    """Return a problem document; without a kind it says no more than its status."""
    title = TITLES[kind] if kind else HTTPStatus(status).phrase
    content = {"type": f"{TYPE}{kind}" if kind else "about:blank", "title": title, "status": status, "detail": detail}
    body = to_json(content | {"correlation_id": correlation_id(scope)} | dict(more or {}))
    return Response(body, status_code=status, media_type=MEDIA_TYPE)


async def refused(request: Request, error: Exception) -> Response:
    """Answer with an error of our own; from 500 on the log has it, too."""
    if not isinstance(error, RegularsError):
        raise error
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        said = {"kind": type(error).__name__, "cause": str(error), "correlation_id": correlation_id(request.scope)}
        logger().error("refused", extra=said)
    more: dict[str, str | int] = {"limit": error.limit, "value": error.value} if isinstance(error, LimitError) else {}
    return problem(request.scope, error.status, error.kind, str(error), more)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    answer = problem(request.scope, error.status_code, None, HTTPStatus(error.status_code).description)
    answer.headers.update(error.headers or {})
    return answer


def unforeseen(scope: Mapping[str, Any], error: Exception) -> Response:
    """Answer with what nobody foresaw, and say in the log where it happened.

    Not what it said: an exception's text may hold a customer's row.
    """
    where = "".join(traceback.format_tb(error.__traceback__))
    said = {"kind": type(error).__name__, "where": where, "correlation_id": correlation_id(scope)}
    logger().error("unforeseen", extra=said)
    detail = "an error of ours; the log has it under this correlation id"
    return problem(scope, HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail)


def describe(openapi: dict[str, Any]) -> None:
    """Say in a contract that problems are problem documents, not plain JSON as FastAPI assumes."""
    responses = [
        each for path in openapi["paths"].values() for method in path.values() for each in [method["responses"]]
    ]
    for status, response in (pair for each in responses for pair in each.items()):
        if int(status) >= HTTPStatus.BAD_REQUEST:
            response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}


def install(app: FastAPI) -> None:
    """Register the handlers on an app."""
    app.add_exception_handler(RegularsError, refused)
    app.add_exception_handler(HTTPException, _http)
