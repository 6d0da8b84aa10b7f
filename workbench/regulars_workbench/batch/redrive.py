"""Dead letters: why each input failed, and the way back into the queue that they came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from regulars.batch.events import created_objects, parse_message
from regulars.errors import SourceError
from regulars_workbench.batch.aws_client import aws_errors

WAIT_S, MOST, HOLD_S = 1, 10, 120

SAID = ("reason", "kind", "tries", "message")
"""What the function adds to a letter. Everything else of it goes back with the message."""


@dataclass(frozen=True)
class Letter:
    """A dead letter: what it names, why it lies there, after how many tries, and whether it was sent back."""

    inputs: str
    reason: str
    tries: str
    sent: bool


class Redrive:
    """The way from the queue `dead` to `queue`, both by URL; `sqs` is a boto3 client."""

    def __init__(self, sqs: Any, dead: str, queue: str) -> None:  # noqa: ANN401 - a boto3 client
        self.sqs, self.dead, self.queue = sqs, dead, queue
        self._held: dict[str, str] = {}
        """Receipts of letters that are hidden from others as long as they are worked on, by message id."""

    def check(self) -> int:
        """Return how many letters are hidden, since others work on them; SourceError unless these are two queues."""
        here, there = self._attributes(self.dead, "dead-letter queue"), self._attributes(self.queue, "queue")
        if here["QueueArn"] == there["QueueArn"]:
            raise SourceError(f"{self.dead} is both queues; give the dead letters' first, then the one that is scored")
        return int(here["ApproximateNumberOfMessagesNotVisible"])

    def _attributes(self, url: str, what: str) -> dict[str, str]:
        with aws_errors(f"{what} {url}"):
            asked = ["QueueArn", "ApproximateNumberOfMessagesNotVisible"]
            found: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
        return found

    def letters(self, *, send: bool = True) -> Iterator[Letter]:
        """Send each letter back and then delete it; without `send` only tell of it. What is not sent is let go again.

        A letter that is sent twice, since the process ended between the two, scores the same input to the same result.
        """
        seen: set[str] = set()
        try:
            while new := [each for each in self._received() if each["MessageId"] not in seen]:
                for message in new:
                    seen.add(message["MessageId"])
                    if send:
                        self._send(message)
                    yield _letter(message, sent=send)
        finally:
            self._let_go()

    def _received(self) -> list[dict[str, Any]]:
        with aws_errors(f"dead-letter queue {self.dead}"):
            answer = self.sqs.receive_message(
                QueueUrl=self.dead,
                MaxNumberOfMessages=MOST,
                WaitTimeSeconds=WAIT_S,
                VisibilityTimeout=HOLD_S,
                MessageAttributeNames=["All"],
            )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        self._held |= {each["MessageId"]: each["ReceiptHandle"] for each in messages}
        return messages

    def _send(self, message: Mapping[str, Any]) -> None:
        own = {name: value for name, value in message.get("MessageAttributes", {}).items() if name not in SAID}
        with aws_errors(f"queue {self.queue}"):
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=message["Body"], MessageAttributes=own)
        with aws_errors(f"dead-letter queue {self.dead}"):
            self.sqs.delete_message(QueueUrl=self.dead, ReceiptHandle=message["ReceiptHandle"])
        del self._held[message["MessageId"]]

    def _let_go(self) -> None:
        """Show the letters that were not sent to others again."""
        with aws_errors(f"dead-letter queue {self.dead}"):
            for receipt in self._held.values():
                self.sqs.change_message_visibility(QueueUrl=self.dead, ReceiptHandle=receipt, VisibilityTimeout=0)
        self._held.clear()


def _letter(message: Mapping[str, Any], *, sent: bool) -> Letter:
    said = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    try:
        inputs = ", ".join(map(str, created_objects(parse_message(message["Body"])))) or "nothing"
    except SourceError:
        inputs = "no notification"
    unsaid = "not said: the function was ended before it could; see its log"
    return Letter(inputs, said.get("reason", unsaid), said.get("tries", "-"), sent)
