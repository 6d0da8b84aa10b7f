"""One id for a request, from its caller's headers through the log to the answer."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

HEADER = "x-correlation-id"
KEY = "regulars.correlation_id"
FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:;=/+-]{0,127}")
"""What a caller's id may look like: an id, a trace header, but no free text, which could be about a customer."""


def correlation_id(scope: Mapping[str, Any]) -> str:
    """Return the id of a request that is under way."""
    return str(scope.get(KEY, ""))


def choose(scope: Mapping[str, Any]) -> str:
    """Return the caller's id, or else Lambda's, or else a new one."""
    for name, value in scope["headers"]:
        if name == HEADER.encode() and FORM.fullmatch(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    own = getattr(scope.get("aws.context"), "aws_request_id", None)
    return str(own or uuid.uuid4())
