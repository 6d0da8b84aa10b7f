"""The function: an S3 notification through SQS or straight, or a step of the state machine."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from regulars.batch.clock import Clock
from regulars.batch.events import Named, named, parsed
from regulars.batch.failures import settled, tell
from regulars.batch.limits import SMALLER
from regulars.batch.score import score_object
from regulars.batch.steps import STEPS
from regulars.loader import process_loader
from regulars.observability import count_customers, logger, metrics


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    """Score every object that an S3 notification names, or take one step of the state machine.

    Through SQS one bad message fails alone (partial batch response); else the first failure is raised, and the caller
    tries again.
    """
    if event.get("step") in STEPS:
        return STEPS[event["step"]](event, process_loader(), Clock(context, SMALLER))
    records = event.get("Records") or []
    if records and records[0].get("eventSource") == "aws:sqs":
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        answer: dict[str, Any] = dict(
            process_partial_response(event, lambda record: _from_sqs(record, context), processor, context)
        )
        return answer
    return _told(lambda: _score_all(named(event), context))


def _from_sqs(record: SQSRecord, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    try:
        return _score_all(named(parsed(record.body)), context)
    except Exception as error:
        tell(error)
        if settled(record, error):
            return {"written": []}
        raise


def _told(score: Any) -> dict[str, Any]:  # noqa: ANN401 - a call without arguments
    try:
        answer: dict[str, Any] = score()
    except Exception as error:
        tell(error)
        raise
    return answer


def _score_all(objects: list[Named], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    written = []
    for each in objects:
        if each.is_input:
            written.append(_score_one(each, context))
        else:
            logger().info("left alone", extra={"key": each.key})
    return {"written": written}


def _score_one(each: Named, context: Any) -> str:  # noqa: ANN401 - Lambda's own object
    clock = Clock(context)
    loader = process_loader()
    store, manifest = score_object(each, loader, clock)
    bundle = loader.bundle.manifest
    scored, rejected = manifest["customers_scored"], manifest["customers_rejected"]
    count_customers(bundle.bundle, bundle.as_of, scored=scored, rejected=rejected)
    metrics().add_metric("RowsRejected", MetricUnit.Count, manifest["rows_rejected"])
    for stage, seconds in clock.seconds.items():
        metrics().add_metric(f"Batch{stage.title()}Milliseconds", MetricUnit.Milliseconds, seconds * 1000)
    logger().info("scored", extra={key: value for key, value in manifest.items() if type(value) is int})
    return str(store)
