"""One logger, one set of metrics and one tracer for every function; no payload and no customer id goes into them."""

from collections.abc import Callable
from functools import cache
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


def instrumented(handle: Handler) -> Handler:
    """Wrap a handler with structured logs, metrics and traces that hold neither payload nor answer."""

    @logger().inject_lambda_context(clear_state=True)
    @metrics().log_metrics(capture_cold_start_metric=True)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
        metrics().add_metric("Requests", MetricUnit.Count, 1)  # an empty set of metrics would warn
        return handle(event, context)

    traced: Handler = tracer().capture_lambda_handler(handler, capture_response=False)
    return traced
