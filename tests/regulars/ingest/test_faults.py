"""An error is told as what it is: the file's fault, the map's, the disk's, or the user's own wish to stop."""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from regulars.errors import LakeError, MapError, SourceError
from regulars.ingest.table_rows import TableRows
from tests.regulars.ingest.helpers import EUR, ORDERS, run, write

GOOD = "who,at,value\na,2024-01-01,1\n"
NO_SPACE = 'IO Error: Could not write file "x": No space left on device'


@pytest.mark.parametrize(
    ("key", "section", "message"),
    [
        ("customer_id", {"customer_id": "regexp_extract('a', who)"}, r"customer_id = \"regexp_extract"),
        ("where.odd", {"where": {"odd": "regexp_matches(value, who)"}}, r"where\.odd = 'regexp_matches"),
        ("attributes.x", {"attributes": {"x": "printf(who, 1)"}}, r"attributes\.x = 'printf"),
    ],
)
def test_an_expression_that_fails_on_a_cell_is_the_maps_fault(
    tmp_path: Path, key: str, section: dict[str, object], message: str
) -> None:
    cell = "%d %d" if key == "attributes.x" else "["
    source = write(tmp_path / "m.csv", f"{GOOD}{cell},2024-01-02,1\n")
    with pytest.raises(MapError, match=rf"\[orders\] {message}.*does not work on the cells of m\.csv"):
        run([source], tmp_path / "lake", {**EUR, "orders": {**ORDERS, **section}})


def test_a_cell_too_long_to_read_is_told_with_its_line(tmp_path: Path) -> None:
    source = write(tmp_path / "m.csv", f"{GOOD}a,2024-01-01,{'x' * 3_000_000}\n")
    with pytest.raises(SourceError, match=r"m\.csv: line 3 is longer than 2 MB") as caught:
        run([source], tmp_path / "lake", EUR)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "error", [duckdb.IOException(NO_SPACE), OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "")]
)
@pytest.mark.parametrize("step", ["_copy", "write"])
def test_a_full_disk_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, step: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(TableRows, step, full)
    source = write(tmp_path / "m.csv", GOOD)
    with pytest.raises(LakeError, match=r"no space left on the disk of .*lakes/lake; free some"):
        run([source], tmp_path / "lakes" / "lake", EUR)
    assert list((tmp_path / "lakes").iterdir()) == []


def _interrupt(connection: duckdb.DuckDBPyConnection) -> None:
    connection.interrupt()


def _ctrl_c(_: duckdb.DuckDBPyConnection) -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def heeding() -> Iterator[None]:
    """Heed Ctrl-C, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding")
@pytest.mark.parametrize("stop", [_interrupt, _ctrl_c])
def test_ctrl_c_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: Callable[[duckdb.DuckDBPyConnection], None]
) -> None:
    """During a query, where DuckDB has an exception of its own for it."""

    def endless(self: TableRows, *_: object) -> None:
        threading.Timer(0.3, stop, [self.session]).start()
        while True:  # a fast machine is done with one of them before the timer is
            self.session.execute("select sum(hash(a.range * b.range)) from range(2000000) a, range(200) b").fetchall()

    monkeypatch.setattr(TableRows, "_copy", endless)
    source = write(tmp_path / "m.csv", GOOD)
    with pytest.raises(KeyboardInterrupt):
        run([source], tmp_path / "lakes" / "lake", EUR)
    assert list((tmp_path / "lakes").iterdir()) == []
