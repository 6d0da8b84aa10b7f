"""One logger, one set of metrics and one tracer for every function; no payload and no customer id goes into them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
"""A Lambda handler: event and context to answer."""

SERVICE = "regulars"


@cache
def logger() -> Logger:
    """Return the structured JSON logger; its level is POWERTOOLS_LOG_LEVEL, INFO unless set."""
    return Logger(service=SERVICE)


@cache
def metrics() -> Metrics:
    """Return the CloudWatch metrics (embedded metric format on standard output)."""
    return Metrics(namespace="Regulars", service=SERVICE)


@cache
def tracer() -> Tracer:
    """Return the X-Ray tracer; outside Lambda it switches itself off."""
    return Tracer(service=SERVICE, auto_patch=False, patch_modules=())


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Add the milliseconds that the block takes to the metrics, as `<step>Milliseconds`."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        elapsed = (time.perf_counter() - begun) * 1000
        metrics().add_metric(f"{step}Milliseconds", MetricUnit.Milliseconds, elapsed)


def count_customers(bundle: str, as_of: datetime, *, scored: int, rejected: int) -> None:
    """Count customers, by service and by bundle, and tell the bundle's age: the days from its `as_of` until today."""
    metrics().add_dimensions(bundle=bundle)
    metrics().add_metric("CustomersScored", MetricUnit.Count, scored)
    metrics().add_metric("CustomersRejected", MetricUnit.Count, rejected)
    metrics().add_metric("BundleAgeDays", MetricUnit.Count, max((datetime.now(UTC) - as_of).days, 0))


def instrumented(handle: Handler) -> Handler:
    """Wrap a handler with structured logs, metrics and traces that hold neither payload nor answer."""

    @logger().inject_lambda_context(clear_state=True)
    @metrics().log_metrics(capture_cold_start_metric=True)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
        metrics().add_metric("Requests", MetricUnit.Count, 1)  # an empty set of metrics would warn
        answer = handle(event, context)
        if answer.get("statusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            metrics().add_metric("ServerErrors", MetricUnit.Count, 1)
        return answer

    @cache
    def traced() -> Handler:
        wrapped: Handler = tracer().capture_lambda_handler(handler, capture_response=False, capture_error=False)
        return wrapped

    def sampled(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
        # X-Ray takes one request in many: only then is its library worth importing.
        chosen: Handler = traced() if "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "") else handler
        return chosen(event, context)

    return sampled
