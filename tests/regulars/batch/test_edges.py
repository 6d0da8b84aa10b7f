"""What lies in the output bucket, the map and the settings, and what messages call it: a table of docs/reliability.md.

REGULARS_WRITE_DOCS=1 writes the table anew from what happened in this run.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.batch.handler import handle
from tests.regulars.batch.conftest import AS_OF, Aws, orders_sql
from tests.regulars.batch.environment import FaultEnvironment, left, seen
from tests.regulars.batch.faults import Table
from tests.regulars.batch.test_faults import through

TABLE: "Table[FaultEnvironment]" = Table("edges")
fault = TABLE.fault


@fault("a message names a broken file, a good one and a spreadsheet")
def _several(world: FaultEnvironment) -> None:
    keys = [world.aws.put("a.csv", b""), world.aws.put("b.csv", world.good()), world.aws.put("c.xlsx", b"PK")]
    world.aws.sqs.purge_queue(QueueUrl=world.aws.queue)
    named = [{"s3": {"bucket": {"name": world.aws.incoming}, "object": {"key": key}}} for key in keys]
    world.aws.sqs.send_message(QueueUrl=world.aws.queue, MessageBody=json.dumps({"Records": named}))
    world.aws.poll()


@fault("a message that is no notification")
def _message(world: FaultEnvironment) -> None:
    world.aws.sqs.send_message(QueueUrl=world.aws.queue, MessageBody='{"file": "orders.csv"}')
    world.aws.poll()


@fault("a map that is no TOML")
def _map(world: FaultEnvironment) -> None:
    world.aws.put("map.toml", b"currency: EUR\n")
    world.send("orders.csv", world.good())


@fault("the map that a manifest names is no TOML")
def _other_map(world: FaultEnvironment) -> None:
    world.aws.put("_files/orders.csv", world.good())
    world.aws.put("_maps/shop.toml", b"currency: EUR\n")
    world.aws.sqs.purge_queue(QueueUrl=world.aws.queue)
    world.send("night.manifest.json", b'{"orders": "_files/orders.csv", "map": "_maps/shop.toml"}')


@fault("a map says another currency than the bundle's")
def _currency(world: FaultEnvironment) -> None:
    world.aws.put("map.toml", b'currency = "JPY"\n')
    world.send("orders.csv", world.good())


@fault("one of a manifest's Parquet files is truncated")
def _half(world: FaultEnvironment) -> None:
    whole = world.export(orders_sql(), "format parquet").read_bytes()
    world.aws.put("_files/whole.parquet", whole)
    world.aws.put("_files/half.parquet", whole[: len(whole) // 2])
    world.aws.sqs.purge_queue(QueueUrl=world.aws.queue)
    world.send("night.manifest.json", b'{"orders": ["_files/whole.parquet", "_files/half.parquet"]}')


@fault("the output bucket is not there")
def _no_bucket(world: FaultEnvironment) -> None:
    world.aws.s3.delete_bucket(Bucket=world.aws.scores)
    world.send("orders.csv", world.orders)
    world.aws.s3.create_bucket(Bucket=world.aws.scores)


@fault("the output bucket may not be read")
def _unreadable(world: FaultEnvironment) -> None:
    through(world, lambda method, path: "403" if method == "GET" and world.aws.scores in path else "")


@fault("the output bucket may not be written")
def _forbidden(world: FaultEnvironment) -> None:
    through(world, lambda method, path: "403" if method == "PUT" and world.aws.scores in path else "")


def result_with(change: Callable[[dict[str, object]], bytes]) -> Callable[[FaultEnvironment], None]:
    """Return the fault of a result whose manifest somebody has changed, and of the next notification."""

    def run(world: FaultEnvironment) -> None:
        key = world.aws.put("orders.csv", world.orders)
        world.aws.poll()
        [place] = [each for each in world.aws.written() if each.endswith("_manifest.json")]
        said = json.loads(world.aws.written()[place])
        world.aws.s3.put_object(Bucket=world.aws.scores, Key=place, Body=change(said))
        event = json.dumps(world.aws.event(key))
        world.aws.sqs.send_message(QueueUrl=world.aws.queue, MessageBody=event)
        world.aws.poll()

    return run


BROKEN: dict[str, Callable[[dict[str, object]], bytes]] = {
    "is no JSON": lambda _: b"{not json",
    "is empty": lambda _: b"",
    "is a list": lambda _: b"[1]",
    "names no outputs": lambda said: json.dumps({k: v for k, v in said.items() if k != "outputs"}).encode(),
    "names odd outputs": lambda said: json.dumps({**said, "outputs": {"part.parquet": 3}}).encode(),
    "is binary": lambda _: bytes(range(256)),
}
for what, change in BROKEN.items():
    fault(f"the manifest of an earlier result {what}; the file's notification comes again")(result_with(change))


@pytest.mark.parametrize("what", TABLE.faults)
def test_fault(what: str, world: FaultEnvironment) -> None:
    """Each fault happens, and the document's row says just what came of it."""
    TABLE.faults[what](world)
    said = re.sub(r"bundle [\w.-]+", "bundle b", seen(world).replace(world.aws.scores, "shop-scores"))
    assert "/tmp" not in said  # noqa: S108 - what no message may show
    TABLE.tell(what, said, left(world))
    assert list(world.folder.glob("spill/batch-*")) == []


def test_the_document_has_no_fault_that_is_not_tried() -> None:
    assert TABLE.listed() == list(TABLE.faults)


def test_the_function_called_straight_shows_no_folder_of_its_own(aws: Aws, orders: Path) -> None:
    aws.put("map.toml", b'currency = "JPY"\n')
    key = aws.put("last night.csv", orders)
    with pytest.raises(Exception, match=rf"^s3://{aws.incoming}/incoming/as_of={AS_OF}/last night.csv is in JPY"):
        handle(aws.event(key), None)
