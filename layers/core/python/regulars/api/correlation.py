"""The correlation id of a request: the same in the caller's headers, the log and the response."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

HEADER = "x-correlation-id"
KEY = "regulars.correlation_id"
FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:;=/+-]{0,127}")
"""Allowed form of a caller's id: an id or a trace header, but no free text, which could be about a customer."""


def correlation_id(scope: Mapping[str, Any]) -> str:
    """Return the id of the current request."""
    return str(scope.get(KEY, ""))


def choose(scope: Mapping[str, Any]) -> str:
    """Return the caller's id, else Lambda's request id, else a new id."""
    for name, value in scope["headers"]:
        if name == HEADER.encode() and FORM.fullmatch(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    own = getattr(scope.get("aws.context"), "aws_request_id", None)
    return str(own or uuid.uuid4())
