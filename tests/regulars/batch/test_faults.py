"""What goes wrong, what its user sees, and that nothing is lost or written twice: the table of docs/reliability.md.

REGULARS_WRITE_DOCS=1 writes the table anew from what happened in this run.
"""

import gzip
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from regulars.batch.handler import handle
from regulars.batch.storage import source
from regulars.ingest.table_rows import TableRows
from tests.conftest import forget_process
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.environment import FaultEnvironment, left, seen
from tests.regulars.batch.faults import Table, kill
from tests.regulars.batch.proxy import proxy
from tests.regulars.batch.shop import AS_OF, orders_sql

TABLE: "Table[FaultEnvironment]" = Table("faults")
fault = TABLE.fault


@fault("an empty file")
def _empty(world: FaultEnvironment) -> None:
    world.send("orders.csv", b"")


@fault("a CSV with a header and no rows")
def _header(world: FaultEnvironment) -> None:
    world.send("orders.csv", b"customer_id,ordered_at,order_value\n")


@fault("a Parquet file without rows")
def _no_rows(world: FaultEnvironment) -> None:
    query = "select 'a' as customer_id, now() as ordered_at, 1 as order_value where false"
    world.send("orders.parquet", world.export(query, "format parquet"))


@fault("a truncated Parquet file")
def _truncated(world: FaultEnvironment) -> None:
    whole = world.export(orders_sql(), "format parquet").read_bytes()
    world.send("orders.parquet", whole[: len(whole) // 2])


@fault("a truncated gzip file")
def _cut_gzip(world: FaultEnvironment) -> None:
    whole = gzip.compress(world.good())
    world.send("orders.csv.gz", whole[: len(whole) // 2])


@fault("a gzip file that holds a thousand times its size")
def _bomb(world: FaultEnvironment) -> None:
    world.set(REGULARS_MAX_EXPANDED_BYTES=3_000_000)
    world.send("orders.csv.gz", gzip.compress(world.good() + b"\n" * 30_000_000))


@fault("a file larger than one function takes")
def _large(world: FaultEnvironment) -> None:
    world.set(REGULARS_MAX_INPUT_BYTES=1000)
    world.send("orders.csv", world.orders)


@fault("10,000 columns")
def _columns(world: FaultEnvironment) -> None:
    names = ",".join(f"c{number}" for number in range(10_000))
    world.send("orders.csv", f"customer_id,ordered_at,order_value,{names}\n".encode())


@fault("a quote that never closes")
def _quote(world: FaultEnvironment) -> None:
    lines = world.good().splitlines()
    lines[30] = lines[30].replace(b"O", b'"O', 1)
    world.send("orders.csv", b"\n".join(lines) + b"\n")


@fault("another delimiter")
def _delimiter(world: FaultEnvironment) -> None:
    world.send("orders.csv", world.export(orders_sql(), "format csv, header, delim '|'"))


@fault("Latin-1 instead of UTF-8")
def _latin(world: FaultEnvironment) -> None:
    world.send("orders.csv", world.good().replace(b"C-late", "Zoë".encode("latin-1")))


@fault("UTF-16, as spreadsheets save it")
def _utf16(world: FaultEnvironment) -> None:
    world.send("orders.csv", world.good().decode().encode("utf-16"))


@fault("binary data called .csv")
def _binary(world: FaultEnvironment) -> None:
    world.send("orders.csv", bytes(range(256)))


@fault("a spreadsheet")
def _sheet(world: FaultEnvironment) -> None:
    world.send("orders.xlsx", b"PK")


@fault("a key with spaces, plus, percent and other alphabets")
def _key(world: FaultEnvironment) -> None:
    world.send("last night + 100%/注文 größe.csv", world.orders)


@fault("a customer with a million orders")
def _million(world: FaultEnvironment) -> None:
    query = (
        "select case when i % 100 = 0 then 'C' || i % 7 else 'whale' end as customer_id, 'O' || i as order_id, "
        "timestamp '2024-01-01' + to_seconds(i * 40) as ordered_at, 1 + i % 50 as order_value from range(1010101) t(i)"
    )
    world.send("orders.parquet", world.export(query, "format parquet"))


@fault("no as_of is said")
def _no_as_of(world: FaultEnvironment) -> None:
    world.aws.s3.put_object(Bucket=world.aws.incoming, Key="incoming/orders.csv", Body=world.good())
    world.aws.poll()


@fault("every order lies after as_of")
def _future(world: FaultEnvironment) -> None:
    world.send("orders.csv", b"customer_id,ordered_at,order_value\na,2030-01-01,1\n")


@fault("a manifest that names a file which is not there")
def _unnamed(world: FaultEnvironment) -> None:
    world.send("night.manifest.json", b'{"orders": "_files/orders.csv"}')


@fault("customers arrive without orders")
def _customers(world: FaultEnvironment) -> None:
    world.send("customers.csv", b"customer_id\na\n")


@fault("the file is gone when its message is read")
def _gone(world: FaultEnvironment) -> None:
    key = world.aws.put("orders.csv", world.orders)
    world.aws.s3.delete_object(Bucket=world.aws.incoming, Key=key)
    world.aws.poll()


def through(world: FaultEnvironment, trouble: Callable[[str, str], str], name: str = "orders.csv") -> None:
    """Work on a file while S3 is reached through a proxy that makes trouble."""
    key = world.aws.put(name, world.orders)
    with proxy(world.aws.environment["AWS_ENDPOINT_URL"], trouble) as address:
        world.set(AWS_ENDPOINT_URL_S3=address)
        world.aws.poll()
    assert key


class Some:
    """Trouble with the first `times` requests of a method whose path has `part`."""

    def __init__(self, what: str, method: str, part: str, times: int) -> None:
        self.what, self.method, self.part, self.times = what, method, part, times

    def __call__(self, method: str, path: str) -> str:
        """Return the trouble, as long as there is some left."""
        if self.times == 0 or method != self.method or self.part not in path:
            return ""
        self.times -= 1
        return self.what


@fault("S3 answers 503 twice")
def _busy(world: FaultEnvironment) -> None:
    through(world, Some("503", "GET", "orders.csv", 2))


@fault("S3 answers 503 all the time")
def _down(world: FaultEnvironment) -> None:
    world.patch.setitem(source.RETRIES, "max_attempts", 2)
    through(world, Some("503", "GET", "orders.csv", 99))


@fault("S3 is slow")
def _slow(world: FaultEnvironment) -> None:
    through(world, Some("slow", "GET", "orders.csv", 1))


@fault("the connection is cut in the middle of the file, twice")
def _cut(world: FaultEnvironment) -> None:
    through(world, Some("cut", "GET", "orders.csv", 2))


@fault("the connection is cut each time")
def _cut_off(world: FaultEnvironment) -> None:
    through(world, Some("cut", "GET", "orders.csv", 99))


@fault("S3 answers 503 to the first write of each file")
def _busy_writing(world: FaultEnvironment) -> None:
    through(world, Some("503", "PUT", "scores/", 3))


@fault("the answer to a write that was done gets lost")
def _lost_answer(world: FaultEnvironment) -> None:
    through(world, Some("cut", "PUT", "part.parquet", 1))


@fault("the file is replaced while it is being read")
def _replaced(world: FaultEnvironment) -> None:
    shorter = b"\n".join(world.good().splitlines()[:101]) + b"\n"

    def replace(method: str, path: str) -> str:
        if method == "GET" and "orders.csv" in path and not done:
            done.append(path)
            world.aws.put("orders.csv", shorter)
        return ""

    done: list[str] = []
    through(world, replace)


@fault("the same notification ten times")
def _ten(world: FaultEnvironment) -> None:
    world.aws.put("orders.csv", world.orders)
    for _ in range(9):
        world.aws.sqs.send_message(
            QueueUrl=world.aws.queue,
            MessageBody=json.dumps(world.aws.event(f"incoming/as_of={AS_OF}/orders.csv")),
        )
    world.aws.poll()


POINTS = (
    "after:fetch",
    "before:score",
    "after:rejects",
    "put:part.parquet",
    "put:rejects.parquet",
    "put:_manifest.json",
)


def killed(point: str) -> Callable[[FaultEnvironment], None]:
    """Return the fault of a process that is killed at a point, and of the next try in another."""

    def run(world: FaultEnvironment) -> None:
        key = world.aws.put("orders.csv", world.orders)
        kill(point, world.aws.event(key), world.aws.environment, world.folder / "spill")
        finished = any(name.endswith("_manifest.json") for name in world.aws.written())
        assert finished == (point == "put:_manifest.json")
        world.aws.poll()

    return run


for point in POINTS:
    said = point.replace("put:", "after writing ").replace(":", " ")
    fault(f"kill -9 {said}, then the next try")(killed(point))


@fault("time runs out while it works")
def _time(world: FaultEnvironment) -> None:
    def endless(rows: TableRows, *_: Any) -> None:
        rows.session.execute("select sum(hash(a.i + b.i)) from range(1000000) a(i), range(1000000) b(i)").fetchall()

    world.patch.setattr(TableRows, "_copy", endless)
    world.patch.setattr("tests.regulars.batch.conftest.LocalContext", Hurried)
    world.send("orders.csv", world.orders)


class Hurried:
    """A context of Lambda with little time left."""

    function_name, memory_limit_in_mb = "batch", 1769
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:local"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, _: str) -> None: ...

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left: seconds more than are kept to say why."""
        return 24_000


@fault("memory does not suffice")
def _memory(world: FaultEnvironment) -> None:
    world.set(REGULARS_MEMORY_LIMIT="4MB")
    world.send("orders.csv", world.orders)


@fault("the disk is too small for the file")
def _no_room(world: FaultEnvironment) -> None:
    world.patch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5000}))
    world.send("orders.csv", world.orders)


@fault("the disk is full in the middle of the work")
def _full(world: FaultEnvironment) -> None:
    small = world.folder / "small"
    small.mkdir()
    mount = ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603 - a fixed command
        pytest.skip("a small disk can only be mounted as root")
    try:
        world.set(REGULARS_TEMP_DIRECTORY=small)
        world.patch.setattr("regulars.batch.resources.limits.DISK_FACTOR", 0)  # as if the estimate had been too low
        changed = "customer_id || i as customer_id, order_id || '-' || i as order_id"
        query = f"select * replace ({changed}) from ({orders_sql()}) cross join range(600) t(i)"
        world.send("orders.csv.gz", gzip.compress(world.export(query, "format csv, header").read_bytes()))
        assert list(small.glob("batch-*")) == []
    finally:
        forget_process()
        subprocess.run(["/usr/bin/umount", str(small)], check=True)  # noqa: S603 - a fixed command


@pytest.mark.parametrize("what", TABLE.faults)
def test_fault(what: str, world: FaultEnvironment) -> None:
    """Each fault happens, and the document's row says just what came of it."""
    TABLE.faults[what](world)
    TABLE.tell(what, seen(world), left(world))
    assert list(world.folder.glob("spill/batch-*")) == []


def test_the_document_has_no_fault_that_is_not_tried() -> None:
    assert TABLE.listed() == list(TABLE.faults)


def test_an_event_straight_to_the_function_raises(aws: Aws) -> None:
    """Then Lambda's own retries follow."""
    key = aws.put("orders.csv", b"")
    with pytest.raises(Exception, match="empty"):
        handle(aws.event(key), None)
