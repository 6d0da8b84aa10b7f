"""Dead letters: show why each input failed, and send them back to their queue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from regulars.batch.events import created_objects, parse_message
from regulars.errors import SourceError
from regulars_workbench.batch.aws_client import aws_errors

WAIT_S, MOST, HOLD_S = 1, 10, 120

ADDED = ("reason", "kind", "tries", "message")
"""Attributes that the function adds to a dead letter. All others are sent back with the message."""


@dataclass(frozen=True)
class Letter:
    """A dead letter: its inputs, the reason, the number of tries, and whether it was sent back."""

    inputs: str
    reason: str
    tries: str
    sent: bool


class Redrive:
    """Sends letters from the queue `dead` to `queue`, both URLs; `sqs` is a boto3 client."""

    def __init__(self, sqs: Any, dead: str, queue: str) -> None:  # noqa: ANN401 - a boto3 client
        self.sqs, self.dead, self.queue = sqs, dead, queue
        self._held: dict[str, str] = {}
        """Receipt handles, by message id, of the letters that this process has received: others do not see them."""

    def check(self) -> int:
        """Return the number of letters that others have received; SourceError when both URLs are one queue."""
        dead, queue = self._attributes(self.dead, "dead-letter queue"), self._attributes(self.queue, "queue")
        if dead["QueueArn"] == queue["QueueArn"]:
            raise SourceError(
                f"{self.dead} is both queues; give the dead-letter queue first, then the queue to send to"
            )
        return int(dead["ApproximateNumberOfMessagesNotVisible"])

    def _attributes(self, url: str, role: str) -> dict[str, str]:
        with aws_errors(f"{role} {url}"):
            names = ["QueueArn", "ApproximateNumberOfMessagesNotVisible"]
            attributes: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return attributes

    def letters(self, *, send: bool = True) -> Iterator[Letter]:
        """Yield each letter, sent back and then deleted; without `send` only show it. Release the letters not sent.

        If the process ends between sending and deleting, a letter is sent twice; scoring it twice gives one result.
        """
        seen: set[str] = set()
        try:
            while new := [message for message in self._receive() if message["MessageId"] not in seen]:
                for message in new:
                    seen.add(message["MessageId"])
                    if send:
                        self._send(message)
                    yield _letter(message, sent=send)
        finally:
            self._release()

    def _receive(self) -> list[dict[str, Any]]:
        with aws_errors(f"dead-letter queue {self.dead}"):
            answer = self.sqs.receive_message(
                QueueUrl=self.dead,
                MaxNumberOfMessages=MOST,
                WaitTimeSeconds=WAIT_S,
                VisibilityTimeout=HOLD_S,
                MessageAttributeNames=["All"],
            )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        self._held |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        return messages

    def _send(self, message: Mapping[str, Any]) -> None:
        attributes = {name: value for name, value in message.get("MessageAttributes", {}).items() if name not in ADDED}
        with aws_errors(f"queue {self.queue}"):
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=message["Body"], MessageAttributes=attributes)
        with aws_errors(f"dead-letter queue {self.dead}"):
            self.sqs.delete_message(QueueUrl=self.dead, ReceiptHandle=message["ReceiptHandle"])
        del self._held[message["MessageId"]]

    def _release(self) -> None:
        """Make the letters that were not sent visible to others again."""
        with aws_errors(f"dead-letter queue {self.dead}"):
            for receipt in self._held.values():
                self.sqs.change_message_visibility(QueueUrl=self.dead, ReceiptHandle=receipt, VisibilityTimeout=0)
        self._held.clear()


def _letter(message: Mapping[str, Any], *, sent: bool) -> Letter:
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    try:
        inputs = ", ".join(map(str, created_objects(parse_message(message["Body"])))) or "no object"
    except SourceError:
        inputs = "not a notification"
    unknown = "unknown: the function was killed before it could report it; see its log"
    return Letter(inputs, attributes.get("reason", unknown), attributes.get("tries", "-"), sent)
