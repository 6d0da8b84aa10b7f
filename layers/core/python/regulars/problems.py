"""Errors become HTTP here and nowhere else: problem details (RFC 9457) that never repeat what was sent."""

import traceback
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from regulars.errors import RegularsError
from regulars.observability import logger
from regulars.requests import describe


def problem(status: int, detail: str) -> JSONResponse:
    """Return a problem document."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content, status_code=status, media_type="application/problem+json")


def _refused(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RegularsError):
        raise error
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger().error("refused", extra={"kind": type(error).__name__, "cause": str(error)})
    return problem(error.status, str(error))


def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, describe(error.errors()))


def _http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, str(error.detail))


def _unforeseen(_: Request, error: Exception) -> JSONResponse:
    # Where it happened, not what it said: an exception's text may hold a customer's row.
    where = "".join(traceback.format_tb(error.__traceback__))
    logger().error("unforeseen", extra={"kind": type(error).__name__, "where": where})
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of ours; the log has it under this request's id")


def install(app: FastAPI) -> None:
    """Register the handlers on an app."""
    app.add_exception_handler(RegularsError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)
