"""Messages that fail: tried again soon, and after the last try planned into the dead-letter queue with the reason."""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from regulars.batch.events import S3Location
from regulars.batch.resources.limits import ADVICE, DISK_FULL
from regulars.batch.storage.source import client
from regulars.errors import RegularsError
from regulars.ingest.faults import is_full
from regulars.observability import logger
from regulars.settings import settings

WAITS_S = (60, 300, 900)
"""Seconds until the next try; the queue's own visibility timeout is hours, made for runs that are under way."""

LONGEST_REASON = 1000
UNSAID = re.compile(r"[^\t\n\r -\U0010ffff]")


def reason(error: BaseException) -> str:
    """Say why an input was not scored, in a line; of a library's errors only the kind, since they may hold a row."""
    if isinstance(error, RegularsError):
        return UNSAID.sub("?", str(error))[:LONGEST_REASON]
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return f"memory did not suffice; raise BatchMemorySize and REGULARS_MEMORY_LIMIT; {ADVICE}"
    if isinstance(error, Exception) and is_full(error):
        return DISK_FULL
    said = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    return f"{type(error).__name__} {said}".strip() + "; the function's log says where"


class NotScoredError(RegularsError):
    """Several inputs of one message were not scored."""


def combined_error(failed: Mapping[S3Location, Exception], *, of: int) -> Exception:
    """Return one error for those of a message's `of` inputs that failed; it names each, where there were several."""
    [(location, error), *others] = failed.items()
    if of == 1:
        return error
    if not others and isinstance(error, RegularsError):
        error.args = (_of(location, error),)
        return error
    most = LONGEST_REASON // len(failed)
    return NotScoredError("; ".join(_of(location, error)[:most] for location, error in failed.items()))


def _of(location: S3Location, error: Exception) -> str:
    said = reason(error)
    return said if str(location) in said else f"{location}: {said}"


@contextmanager
def logging_failures() -> Iterator[None]:
    """Log a failure that passes: the cause where it is ours to tell, else where it happened."""
    try:
        yield
    except Exception as error:
        extra = {"kind": type(error).__name__, "cause": reason(error)}
        if not isinstance(error, RegularsError):
            extra["where"] = _where(error)
        logger().error("not scored", extra=extra)
        raise


def _where(error: Exception) -> str:
    """Return the calls that led to an error, without what it says."""
    return "".join(traceback.format_tb(error.__traceback__))


def retry_or_dead_letter(record: SQSRecord, error: Exception) -> bool:
    """Settle a failed message: True when it now lies in the dead-letter queue, else it will come again soon.

    What cannot be settled comes again when the queue's own visibility timeout ends, and goes to the dead-letter queue
    by the queue's own rule, without a reason.
    """
    tries = int((record.get("attributes") or {}).get("ApproximateReceiveCount", 1))
    try:
        if tries >= settings().max_tries and settings().dead_letters:
            _lay_down(record, error, tries)
            return True
        if record.get("receiptHandle") and record.get("eventSourceARN"):
            _come_again(record, WAITS_S[min(tries, len(WAITS_S)) - 1])
    except Exception as fault:  # noqa: BLE001 - whatever it is, the message is not lost: it stays in its queue
        logger().error("message not settled", extra={"kind": type(fault).__name__, "where": _where(fault)})
    return False


def _lay_down(record: SQSRecord, error: Exception, tries: int) -> None:
    said = {"reason": reason(error), "kind": type(error).__name__, "tries": str(tries), "message": record.message_id}
    attributes: dict[str, Any] = {
        name: {"DataType": "String", "StringValue": value or "-"} for name, value in said.items()
    }
    client("sqs").send_message(QueueUrl=settings().dead_letters, MessageBody=record.body, MessageAttributes=attributes)
    logger().error("given up", extra={"tries": tries, "cause": said["reason"]})


def _come_again(record: SQSRecord, seconds: int) -> None:
    client("sqs").change_message_visibility(
        QueueUrl=record.queue_url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=seconds
    )
