"""Dead letters: why each input failed, and the way back into the queue that they came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from regulars.batch.events import named, parsed
from regulars.errors import SourceError

WAIT_S, MOST, HOLD_S = 1, 10, 120


@dataclass(frozen=True)
class Letter:
    """A dead letter: what it names, why it lies there, after how many tries, and whether it was sent back."""

    inputs: str
    reason: str
    tries: str
    sent: bool


def redrive(sqs: Any, dead: str, queue: str, *, send: bool = True) -> Iterator[Letter]:  # noqa: ANN401 - a boto3 client
    """Send each dead letter to `queue` (both by URL) and then delete it; without `send` only tell of it.

    A letter that is sent twice, since the process ended between the two, scores the same input to the same result.
    """
    seen: set[str] = set()
    while True:
        answer = sqs.receive_message(
            QueueUrl=dead,
            MaxNumberOfMessages=MOST,
            WaitTimeSeconds=WAIT_S,
            VisibilityTimeout=HOLD_S,
            MessageAttributeNames=["All"],
        )
        new = [each for each in answer.get("Messages", []) if each["MessageId"] not in seen]
        if not new:
            return
        for message in new:
            seen.add(message["MessageId"])
            if send:
                sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
            yield _letter(message, sent=send)


def _letter(message: dict[str, Any], *, sent: bool) -> Letter:
    said = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
    try:
        inputs = ", ".join(map(str, named(parsed(message["Body"])))) or "nothing"
    except SourceError:
        inputs = "no notification"
    unsaid = "not said: the function was ended before it could; see its log"
    return Letter(inputs, said.get("reason", unsaid), said.get("tries", "-"), sent)
