"""The outermost layer of an app: correlation ids, common headers, and unexpected errors."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regulars.api import correlation, problems


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
