"""One logger, one set of metrics and one tracer for every function; no payload and no customer id goes into them."""

from functools import cache

from aws_lambda_powertools import Logger, Metrics, Tracer

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
