"""Failed messages: retried soon, and after the last try sent to the dead-letter queue with the reason."""

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
"""Seconds until the next try. The queue's own visibility timeout is hours, since a run may take long."""

LONGEST_REASON = 1000
CONTROL_CHARACTERS = re.compile(r"[^\t\n\r -\U0010ffff]")


def reason(error: BaseException) -> str:
    """Return one line on why an input was not scored; of a library's error only its type: its text may hold a row."""
    if isinstance(error, RegularsError):
        return CONTROL_CHARACTERS.sub("?", str(error))[:LONGEST_REASON]
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return f"out of memory; raise BatchMemorySize and REGULARS_MEMORY_LIMIT; {ADVICE}"
    if isinstance(error, Exception) and is_full(error):
        return DISK_FULL
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    return f"{type(error).__name__} {code}".strip() + "; the function's log shows where"


class NotScoredError(RegularsError):
    """Several inputs of one message could not be scored."""


def combined_error(failed: Mapping[S3Location, Exception], *, of: int) -> Exception:
    """Return one error for a message with `of` inputs; it names each failed input when there are several inputs."""
    [(location, error), *others] = failed.items()
    if of == 1:
        return error
    if not others and isinstance(error, RegularsError):
        error.args = (_with_location(location, error),)
        return error
    most = LONGEST_REASON // len(failed)
    return NotScoredError("; ".join(_with_location(location, error)[:most] for location, error in failed.items()))


def _with_location(location: S3Location, error: Exception) -> str:
    text = reason(error)
    return text if str(location) in text else f"{location}: {text}"


@contextmanager
def logging_failures() -> Iterator[None]:
    """Log an error and raise it again: with its message if it is a RegularsError, else with its traceback."""
    try:
        yield
    except Exception as error:
        extra = {"kind": type(error).__name__, "cause": reason(error)}
        if not isinstance(error, RegularsError):
            extra["where"] = _where(error)
        logger().error("not scored", extra=extra)
        raise


def _where(error: Exception) -> str:
    """Return an error's traceback without its message, which may hold a row."""
    return "".join(traceback.format_tb(error.__traceback__))


def retry_or_dead_letter(record: SQSRecord, error: Exception) -> bool:
    """Return True when the message was sent to the dead-letter queue, False when it will be retried.

    When SQS itself fails, the message is retried after the queue's visibility timeout, and later moved to the
    dead-letter queue by SQS, without a reason.
    """
    tries = int((record.get("attributes") or {}).get("ApproximateReceiveCount", 1))
    try:
        if tries >= settings().max_tries and settings().dead_letters:
            _send_to_dead_letters(record, error, tries)
            return True
        if record.get("receiptHandle") and record.get("eventSourceARN"):
            _retry_after(record, WAITS_S[min(tries, len(WAITS_S)) - 1])
    except Exception as failure:  # noqa: BLE001 - the message is not lost: it stays in its queue
        logger().error(
            "message neither retried nor moved", extra={"kind": type(failure).__name__, "where": _where(failure)}
        )
    return False


def _send_to_dead_letters(record: SQSRecord, error: Exception, tries: int) -> None:
    texts = {"reason": reason(error), "kind": type(error).__name__, "tries": str(tries), "message": record.message_id}
    attributes: dict[str, Any] = {
        name: {"DataType": "String", "StringValue": value or "-"} for name, value in texts.items()
    }
    client("sqs").send_message(QueueUrl=settings().dead_letters, MessageBody=record.body, MessageAttributes=attributes)
    logger().error("given up", extra={"tries": tries, "cause": texts["reason"]})


def _retry_after(record: SQSRecord, seconds: int) -> None:
    client("sqs").change_message_visibility(
        QueueUrl=record.queue_url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=seconds
    )
