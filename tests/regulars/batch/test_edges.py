"""Faults of messages, maps and the output bucket: a table of docs/reliability.md.

With REGULARS_WRITE_DOCS=1 the tests write the table.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.batch.handler import handle
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.environment import FaultEnvironment, left, seen
from tests.regulars.batch.faults import Table
from tests.regulars.batch.shop import AS_OF, orders_sql
from tests.regulars.batch.test_faults import through

TABLE: "Table[FaultEnvironment]" = Table("edges")
fault = TABLE.fault


@fault("a message names a broken file, a good one and a spreadsheet")
def _several(environment: FaultEnvironment) -> None:
    keys = [
        environment.aws.put("a.csv", b""),
        environment.aws.put("b.csv", environment.good()),
        environment.aws.put("c.xlsx", b"PK"),
    ]
    environment.aws.sqs.purge_queue(QueueUrl=environment.aws.queue)
    records = [{"s3": {"bucket": {"name": environment.aws.incoming}, "object": {"key": key}}} for key in keys]
    environment.aws.sqs.send_message(QueueUrl=environment.aws.queue, MessageBody=json.dumps({"Records": records}))
    environment.aws.poll()


@fault("a message that is not a notification")
def _message(environment: FaultEnvironment) -> None:
    environment.aws.sqs.send_message(QueueUrl=environment.aws.queue, MessageBody='{"file": "orders.csv"}')
    environment.aws.poll()


@fault("a map that is not TOML")
def _map(environment: FaultEnvironment) -> None:
    environment.aws.put("map.toml", b"currency: EUR\n")
    environment.send("orders.csv", environment.good())


@fault("a manifest's map that is not TOML")
def _other_map(environment: FaultEnvironment) -> None:
    environment.aws.put("_files/orders.csv", environment.good())
    environment.aws.put("_maps/shop.toml", b"currency: EUR\n")
    environment.aws.sqs.purge_queue(QueueUrl=environment.aws.queue)
    environment.send("night.manifest.json", b'{"orders": "_files/orders.csv", "map": "_maps/shop.toml"}')


@fault("a map with another currency than the bundle's")
def _currency(environment: FaultEnvironment) -> None:
    environment.aws.put("map.toml", b'currency = "JPY"\n')
    environment.send("orders.csv", environment.good())


@fault("a manifest with a truncated Parquet file")
def _half(environment: FaultEnvironment) -> None:
    whole = environment.export(orders_sql(), "format parquet").read_bytes()
    environment.aws.put("_files/whole.parquet", whole)
    environment.aws.put("_files/half.parquet", whole[: len(whole) // 2])
    environment.aws.sqs.purge_queue(QueueUrl=environment.aws.queue)
    environment.send("night.manifest.json", b'{"orders": ["_files/whole.parquet", "_files/half.parquet"]}')


@fault("the output bucket does not exist")
def _no_bucket(environment: FaultEnvironment) -> None:
    environment.aws.s3.delete_bucket(Bucket=environment.aws.scores)
    environment.send("orders.csv", environment.orders)
    environment.aws.s3.create_bucket(Bucket=environment.aws.scores)


@fault("no permission to read the output bucket")
def _unreadable(environment: FaultEnvironment) -> None:
    through(environment, lambda method, path: "403" if method == "GET" and environment.aws.scores in path else "")


@fault("no permission to write to the output bucket")
def _forbidden(environment: FaultEnvironment) -> None:
    through(environment, lambda method, path: "403" if method == "PUT" and environment.aws.scores in path else "")


def result_with(change: Callable[[dict[str, object]], bytes]) -> Callable[[FaultEnvironment], None]:
    """Return the fault: a result's manifest is changed, then its input's notification is repeated."""

    def run(environment: FaultEnvironment) -> None:
        key = environment.aws.put("orders.csv", environment.orders)
        environment.aws.poll()
        [place] = [key for key in environment.aws.written() if key.endswith("_manifest.json")]
        manifest = json.loads(environment.aws.written()[place])
        environment.aws.s3.put_object(Bucket=environment.aws.scores, Key=place, Body=change(manifest))
        event = json.dumps(environment.aws.event(key))
        environment.aws.sqs.send_message(QueueUrl=environment.aws.queue, MessageBody=event)
        environment.aws.poll()

    return run


BROKEN: dict[str, Callable[[dict[str, object]], bytes]] = {
    "is not JSON": lambda _: b"{not json",
    "is empty": lambda _: b"",
    "is a list": lambda _: b"[1]",
    "has no outputs": lambda manifest: json.dumps({k: v for k, v in manifest.items() if k != "outputs"}).encode(),
    "has outputs of another form": lambda manifest: json.dumps({**manifest, "outputs": {"part.parquet": 3}}).encode(),
    "is binary": lambda _: bytes(range(256)),
}
for defect, change in BROKEN.items():
    fault(f"the manifest of an earlier result {defect}; the file's notification is repeated")(result_with(change))


@pytest.mark.parametrize("name", TABLE.faults)
def test_fault(name: str, environment: FaultEnvironment) -> None:
    """Cause the fault; the document's row must give its outcome."""
    TABLE.faults[name](environment)
    text = re.sub(r"bundle [\w.-]+", "bundle b", seen(environment).replace(environment.aws.scores, "shop-scores"))
    assert "/tmp" not in text  # noqa: S108 - no message may show it
    TABLE.check(name, text, left(environment))
    assert list(environment.folder.glob("spill/batch-*")) == []


def test_the_document_lists_exactly_the_tested_faults() -> None:
    assert TABLE.documented() == list(TABLE.faults)


def test_a_direct_call_does_not_show_local_folders(aws: Aws, orders: Path) -> None:
    aws.put("map.toml", b'currency = "JPY"\n')
    key = aws.put("last night.csv", orders)
    with pytest.raises(Exception, match=rf"^s3://{aws.incoming}/incoming/as_of={AS_OF}/last night.csv is in JPY"):
        handle(aws.event(key), None)
