"""The function's handler: an S3 notification, through SQS or direct, or a step of the state machine."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from regulars.batch.events import S3Location, created_objects, parse_message
from regulars.batch.failures import combined_error, logging_failures, retry_or_dead_letter
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.limits import STEP_ADVICE
from regulars.batch.score import score_object
from regulars.batch.state_machine.dispatch import STEPS
from regulars.batch.state_machine.step_events import check_step
from regulars.models.loader import process_loader
from regulars.observability import count_customers, logger, metrics


def handle(event: Any, context: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON, and Lambda's own object
    """Score every object in an S3 notification, or do one step of the state machine.

    Through SQS, one bad message fails alone (partial batch response). A direct call scores all objects, then raises
    the errors; Lambda retries it. SourceError when the event has an unknown form.
    """
    if isinstance(event, dict) and "step" in event:
        with logging_failures():
            step = STEPS[check_step(event, list(STEPS))]
            return step(event, process_loader(), Clock(context, STEP_ADVICE))
    if _is_from_sqs(event):
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        answer: dict[str, Any] = dict(
            process_partial_response(event, lambda record: _score_message(record, context), processor, context)
        )
        return answer
    with logging_failures():
        objects = created_objects(event)
    return _score_all(objects, context)


def _is_from_sqs(event: Any) -> bool:  # noqa: ANN401 - any JSON
    """Return whether the event comes from SQS: then each record is a message."""
    records = event.get("Records") if isinstance(event, dict) else None
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(record, dict) and record.get("eventSource") == "aws:sqs" for record in records)
    )


def _score_message(record: SQSRecord, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    try:
        with logging_failures():
            objects = created_objects(parse_message(record.body))
        return _score_all(objects, context)
    except Exception as error:
        if retry_or_dead_letter(record, error):
            return {"written": []}
        raise


def _score_all(objects: list[S3Location], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    """Score each object, even when others fail; raise the errors at the end."""
    written: list[str] = []
    failed: dict[S3Location, Exception] = {}
    for location in dict.fromkeys(objects):
        if not location.is_input:
            logger().info("not an input", extra={"key": location.key})
            continue
        try:
            with logging_failures():
                written.append(_score_one(location, context))
        except Exception as error:  # noqa: BLE001 - one bad file fails alone, whatever its error
            failed[location] = error
    if failed:
        raise combined_error(failed, of=len(set(objects)))
    return {"written": written}


def _score_one(location: S3Location, context: Any) -> str:  # noqa: ANN401 - Lambda's own object
    clock = Clock(context)
    loader = process_loader()
    store, manifest = score_object(location, loader, clock)
    bundle = loader.bundle.manifest
    scored, rejected = manifest["customers_scored"], manifest["customers_rejected"]
    count_customers(bundle.bundle, bundle.as_of, scored=scored, rejected=rejected)
    metrics().add_metric("RowsRejected", MetricUnit.Count, manifest["rows_rejected"])
    for stage, seconds in clock.seconds.items():
        metrics().add_metric(f"Batch{stage.title()}Milliseconds", MetricUnit.Milliseconds, seconds * 1000)
    logger().info("scored", extra={key: value for key, value in manifest.items() if type(value) is int})
    return str(store)
