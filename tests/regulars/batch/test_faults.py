"""Faults of the function, what the user sees, and that nothing is lost or written twice: docs/reliability.md.

With REGULARS_WRITE_DOCS=1 the tests write the table.
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
def _empty(environment: FaultEnvironment) -> None:
    environment.send("orders.csv", b"")


@fault("a CSV with a header and no rows")
def _header(environment: FaultEnvironment) -> None:
    environment.send("orders.csv", b"customer_id,ordered_at,order_value\n")


@fault("a Parquet file without rows")
def _no_rows(environment: FaultEnvironment) -> None:
    query = "select 'a' as customer_id, now() as ordered_at, 1 as order_value where false"
    environment.send("orders.parquet", environment.export(query, "format parquet"))


@fault("a truncated Parquet file")
def _truncated(environment: FaultEnvironment) -> None:
    whole = environment.export(orders_sql(), "format parquet").read_bytes()
    environment.send("orders.parquet", whole[: len(whole) // 2])


@fault("a truncated gzip file")
def _cut_gzip(environment: FaultEnvironment) -> None:
    whole = gzip.compress(environment.good())
    environment.send("orders.csv.gz", whole[: len(whole) // 2])


@fault("a gzip file that unpacks to a thousand times its size")
def _bomb(environment: FaultEnvironment) -> None:
    environment.set(REGULARS_MAX_EXPANDED_BYTES=3_000_000)
    environment.send("orders.csv.gz", gzip.compress(environment.good() + b"\n" * 30_000_000))


@fault("a file above the limit of one function")
def _large(environment: FaultEnvironment) -> None:
    environment.set(REGULARS_MAX_INPUT_BYTES=1000)
    environment.send("orders.csv", environment.orders)


@fault("10,000 columns")
def _columns(environment: FaultEnvironment) -> None:
    names = ",".join(f"c{number}" for number in range(10_000))
    environment.send("orders.csv", f"customer_id,ordered_at,order_value,{names}\n".encode())


@fault("a quote that never closes")
def _quote(environment: FaultEnvironment) -> None:
    lines = environment.good().splitlines()
    lines[30] = lines[30].replace(b"O", b'"O', 1)
    environment.send("orders.csv", b"\n".join(lines) + b"\n")


@fault("another delimiter")
def _delimiter(environment: FaultEnvironment) -> None:
    environment.send("orders.csv", environment.export(orders_sql(), "format csv, header, delim '|'"))


@fault("Latin-1 instead of UTF-8")
def _latin(environment: FaultEnvironment) -> None:
    environment.send("orders.csv", environment.good().replace(b"C-late", "Zoë".encode("latin-1")))


@fault("UTF-16, as spreadsheets save it")
def _utf16(environment: FaultEnvironment) -> None:
    environment.send("orders.csv", environment.good().decode().encode("utf-16"))


@fault("binary data named .csv")
def _binary(environment: FaultEnvironment) -> None:
    environment.send("orders.csv", bytes(range(256)))


@fault("a spreadsheet")
def _sheet(environment: FaultEnvironment) -> None:
    environment.send("orders.xlsx", b"PK")


@fault("a key with spaces, a plus, a percent sign and other alphabets")
def _key(environment: FaultEnvironment) -> None:
    environment.send("last night + 100%/注文 größe.csv", environment.orders)


@fault("a customer with a million orders")
def _million(environment: FaultEnvironment) -> None:
    query = (
        "select case when i % 100 = 0 then 'C' || i % 7 else 'whale' end as customer_id, 'O' || i as order_id, "
        "timestamp '2024-01-01' + to_seconds(i * 40) as ordered_at, 1 + i % 50 as order_value from range(1010101) t(i)"
    )
    environment.send("orders.parquet", environment.export(query, "format parquet"))


@fault("an input without as_of")
def _no_as_of(environment: FaultEnvironment) -> None:
    environment.aws.s3.put_object(Bucket=environment.aws.incoming, Key="incoming/orders.csv", Body=environment.good())
    environment.aws.poll()


@fault("all orders are after as_of")
def _future(environment: FaultEnvironment) -> None:
    environment.send("orders.csv", b"customer_id,ordered_at,order_value\na,2030-01-01,1\n")


@fault("a manifest that names a missing file")
def _unnamed(environment: FaultEnvironment) -> None:
    environment.send("night.manifest.json", b'{"orders": "_files/orders.csv"}')


@fault("a file of customers without orders")
def _customers(environment: FaultEnvironment) -> None:
    environment.send("customers.csv", b"customer_id\na\n")


@fault("the file is deleted before its message is read")
def _gone(environment: FaultEnvironment) -> None:
    key = environment.aws.put("orders.csv", environment.orders)
    environment.aws.s3.delete_object(Bucket=environment.aws.incoming, Key=key)
    environment.aws.poll()


def through(environment: FaultEnvironment, trouble: Callable[[str, str], str], name: str = "orders.csv") -> None:
    """Handle a file while S3 is behind a proxy with trouble."""
    key = environment.aws.put(name, environment.orders)
    with proxy(environment.aws.environment["AWS_ENDPOINT_URL"], trouble) as address:
        environment.set(AWS_ENDPOINT_URL_S3=address)
        environment.aws.poll()
    assert key


class FirstRequests:
    """Trouble for the first `times` requests with this method and `part` in their path."""

    def __init__(self, trouble: str, method: str, part: str, times: int) -> None:
        self.trouble, self.method, self.part, self.times = trouble, method, part, times

    def __call__(self, method: str, path: str) -> str:
        """Return the trouble for a request, or an empty string."""
        if self.times == 0 or method != self.method or self.part not in path:
            return ""
        self.times -= 1
        return self.trouble


@fault("S3 answers 503 twice")
def _busy(environment: FaultEnvironment) -> None:
    through(environment, FirstRequests("503", "GET", "orders.csv", 2))


@fault("S3 always answers 503")
def _down(environment: FaultEnvironment) -> None:
    environment.patch.setitem(source.RETRIES, "max_attempts", 2)
    through(environment, FirstRequests("503", "GET", "orders.csv", 99))


@fault("S3 is slow")
def _slow(environment: FaultEnvironment) -> None:
    through(environment, FirstRequests("slow", "GET", "orders.csv", 1))


@fault("the connection is cut within the file, twice")
def _cut(environment: FaultEnvironment) -> None:
    through(environment, FirstRequests("cut", "GET", "orders.csv", 2))


@fault("the connection is cut in each attempt")
def _cut_off(environment: FaultEnvironment) -> None:
    through(environment, FirstRequests("cut", "GET", "orders.csv", 99))


@fault("S3 answers 503 to the first write of each file")
def _busy_writing(environment: FaultEnvironment) -> None:
    through(environment, FirstRequests("503", "PUT", "scores/", 3))


@fault("the response to a successful write is lost")
def _lost_answer(environment: FaultEnvironment) -> None:
    through(environment, FirstRequests("cut", "PUT", "part.parquet", 1))


@fault("the file is replaced while it is being read")
def _replaced(environment: FaultEnvironment) -> None:
    shorter = b"\n".join(environment.good().splitlines()[:101]) + b"\n"

    def replace(method: str, path: str) -> str:
        if method == "GET" and "orders.csv" in path and not done:
            done.append(path)
            environment.aws.put("orders.csv", shorter)
        return ""

    done: list[str] = []
    through(environment, replace)


@fault("the same notification ten times")
def _ten(environment: FaultEnvironment) -> None:
    environment.aws.put("orders.csv", environment.orders)
    for _ in range(9):
        environment.aws.sqs.send_message(
            QueueUrl=environment.aws.queue,
            MessageBody=json.dumps(environment.aws.event(f"incoming/as_of={AS_OF}/orders.csv")),
        )
    environment.aws.poll()


POINTS = (
    "after:fetch",
    "before:score",
    "after:rejects",
    "put:part.parquet",
    "put:rejects.parquet",
    "put:_manifest.json",
)


def killed(point: str) -> Callable[[FaultEnvironment], None]:
    """Return the fault: a process is killed at the point, then another one tries again."""

    def run(environment: FaultEnvironment) -> None:
        key = environment.aws.put("orders.csv", environment.orders)
        kill(point, environment.aws.event(key), environment.aws.environment, environment.folder / "spill")
        finished = any(name.endswith("_manifest.json") for name in environment.aws.written())
        assert finished == (point == "put:_manifest.json")
        environment.aws.poll()

    return run


for point in POINTS:
    moment = point.replace("put:", "after writing ").replace(":", " ")
    fault(f"kill -9 {moment}, then the next try")(killed(point))


@fault("the function runs out of time")
def _time(environment: FaultEnvironment) -> None:
    def endless(rows: TableRows, *_: Any) -> None:
        rows.session.execute("select sum(hash(a.i + b.i)) from range(1000000) a(i), range(1000000) b(i)").fetchall()

    environment.patch.setattr(TableRows, "_copy", endless)
    environment.patch.setattr("tests.regulars.batch.conftest.LocalContext", Hurried)
    environment.send("orders.csv", environment.orders)


class Hurried:
    """A Lambda context with little time left."""

    function_name, memory_limit_in_mb = "batch", 1769
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:local"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, _: str) -> None: ...

    def get_remaining_time_in_millis(self) -> int:
        """Return a few seconds more than the reserve."""
        return 24_000


@fault("memory is too small")
def _memory(environment: FaultEnvironment) -> None:
    environment.set(REGULARS_MEMORY_LIMIT="4MB")
    environment.send("orders.csv", environment.orders)


@fault("the disk is too small for the file")
def _no_room(environment: FaultEnvironment) -> None:
    environment.patch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5000}))
    environment.send("orders.csv", environment.orders)


@fault("the disk becomes full during the work")
def _full(environment: FaultEnvironment) -> None:
    small = environment.folder / "small"
    small.mkdir()
    mount = ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603 - a fixed command
        pytest.skip("a small disk can only be mounted as root")
    try:
        environment.set(REGULARS_TEMP_DIRECTORY=small)
        environment.patch.setattr("regulars.batch.resources.limits.DISK_FACTOR", 0)  # as if the estimate were too low
        changed = "customer_id || i as customer_id, order_id || '-' || i as order_id"
        query = f"select * replace ({changed}) from ({orders_sql()}) cross join range(600) t(i)"
        environment.send("orders.csv.gz", gzip.compress(environment.export(query, "format csv, header").read_bytes()))
        assert list(small.glob("batch-*")) == []
    finally:
        forget_process()
        subprocess.run(["/usr/bin/umount", str(small)], check=True)  # noqa: S603 - a fixed command


@pytest.mark.parametrize("name", TABLE.faults)
def test_fault(name: str, environment: FaultEnvironment) -> None:
    """Cause the fault; the document's row must give its outcome."""
    TABLE.faults[name](environment)
    TABLE.check(name, seen(environment), left(environment))
    assert list(environment.folder.glob("spill/batch-*")) == []


def test_the_document_lists_exactly_the_tested_faults() -> None:
    assert TABLE.documented() == list(TABLE.faults)


def test_a_direct_event_raises(aws: Aws) -> None:
    """Lambda then retries by itself."""
    key = aws.put("orders.csv", b"")
    with pytest.raises(Exception, match="empty"):
        handle(aws.event(key), None)
