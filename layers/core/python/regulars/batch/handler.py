"""The function: an S3 notification through SQS or straight, or a step of the state machine."""

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


def handle(event: Any, context: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON somebody sends, and Lambda's own object
    """Score every object that an S3 notification names, or take one step of the state machine.

    Through SQS one bad message fails alone (partial batch response); else what failed is raised when the rest is done,
    and the caller tries again. SourceError when the event is in none of the known forms.
    """
    if isinstance(event, dict) and "step" in event:
        with logging_failures():
            step = STEPS[check_step(event, list(STEPS))]
            return step(event, process_loader(), Clock(context, STEP_ADVICE))
    if _of_queue(event):
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        answer: dict[str, Any] = dict(
            process_partial_response(event, lambda record: _from_sqs(record, context), processor, context)
        )
        return answer
    with logging_failures():
        objects = created_objects(event)
    return _score_all(objects, context)


def _of_queue(event: Any) -> bool:  # noqa: ANN401 - whatever JSON somebody sends
    """Say whether an event is SQS's: then each record is a message."""
    records = event.get("Records") if isinstance(event, dict) else None
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(each, dict) and each.get("eventSource") == "aws:sqs" for each in records)
    )


def _from_sqs(record: SQSRecord, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    try:
        with logging_failures():
            objects = created_objects(parse_message(record.body))
        return _score_all(objects, context)
    except Exception as error:
        if retry_or_dead_letter(record, error):
            return {"written": []}
        raise


def _score_all(objects: list[S3Location], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    """Score each, whatever becomes of the others; raise what failed when all are done."""
    written: list[str] = []
    failed: dict[S3Location, Exception] = {}
    for each in dict.fromkeys(objects):
        if not each.is_input:
            logger().info("left alone", extra={"key": each.key})
            continue
        try:
            with logging_failures():
                written.append(_score_one(each, context))
        except Exception as error:  # noqa: BLE001 - one bad file fails alone, whatever is wrong with it
            failed[each] = error
    if failed:
        raise combined_error(failed, of=len(set(objects)))
    return {"written": written}


def _score_one(each: S3Location, context: Any) -> str:  # noqa: ANN401 - Lambda's own object
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
