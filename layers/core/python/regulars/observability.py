"""One logger, one set of metrics and one tracer for every function. They never hold a payload or a customer id."""

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
"""A Lambda handler: (event, context) -> response."""

SERVICE = "regulars"


@cache
def logger() -> Logger:
    """Return the JSON logger; POWERTOOLS_LOG_LEVEL sets its level, INFO by default."""
    return Logger(service=SERVICE)


@cache
def metrics() -> Metrics:
    """Return the CloudWatch metrics (embedded metric format on standard output)."""
    return Metrics(namespace="Regulars", service=SERVICE)


@cache
def tracer() -> Tracer:
    """Return the X-Ray tracer; it is off outside Lambda."""
    return Tracer(service=SERVICE, auto_patch=False, patch_modules=())


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Measure the block and add `<step>Milliseconds` to the metrics."""
    start = time.perf_counter()
    try:
        yield
    finally:
        elapsed = (time.perf_counter() - start) * 1000
        metrics().add_metric(f"{step}Milliseconds", MetricUnit.Milliseconds, elapsed)


def count_customers(bundle: str, as_of: datetime, *, scored: int, rejected: int) -> None:
    """Add the numbers of customers and the bundle's age (days since its `as_of`) to the metrics, by bundle."""
    metrics().add_dimensions(bundle=bundle)
    metrics().add_metric("CustomersScored", MetricUnit.Count, scored)
    metrics().add_metric("CustomersRejected", MetricUnit.Count, rejected)
    metrics().add_metric("BundleAgeDays", MetricUnit.Count, max((datetime.now(UTC) - as_of).days, 0))


def instrumented(handle: Handler) -> Handler:
    """Wrap a handler with logs, metrics and traces that hold neither event nor response."""

    @logger().inject_lambda_context(clear_state=True)
    @metrics().log_metrics(capture_cold_start_metric=True)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's object
        metrics().add_metric("Requests", MetricUnit.Count, 1)  # Powertools warns when there is no metric
        response = handle(event, context)
        if response.get("statusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            metrics().add_metric("ServerErrors", MetricUnit.Count, 1)
        return response

    @cache
    def traced() -> Handler:
        wrapped: Handler = tracer().capture_lambda_handler(handler, capture_response=False, capture_error=False)
        return wrapped

    def sampled(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's object
        # X-Ray samples few requests. Its library is imported only for those.
        chosen: Handler = traced() if "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "") else handler
        return chosen(event, context)

    return sampled
