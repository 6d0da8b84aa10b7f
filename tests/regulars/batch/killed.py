"""Run by the tests in another process: the handler on one event, killed by SIGKILL at a point.

python killed.py POINT EVENT. A point is `before:STAGE`, `after:STAGE`, or `put:NAME`: after the first write of a file
whose name begins with NAME.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from regulars.batch.handler import handle
from regulars.batch.resources.clock import Clock
from regulars.batch.storage.store import Store

when, _, where = sys.argv[1].partition(":")
stage, put, overwrite = Clock.stage, Store.put_if_unchanged, Store.overwrite


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def deadly_stage(self: Any, name: str, *rest: Any) -> Iterator[None]:
    if (when, where) == ("before", name):
        die()
    with stage(self, name, *rest):
        yield
    if (when, where) == ("after", name):
        die()


def deadly_put(self: Any, name: str, *rest: Any) -> None:
    put(self, name, *rest)
    if when == "put" and name.startswith(where):
        die()


def deadly_put_anyhow(self: Any, name: str, content: Any) -> None:
    overwrite(self, name, content)
    if when == "put" and name.startswith(where):
        die()


Clock.stage, Store.put_if_unchanged = deadly_stage, deadly_put  # type: ignore[method-assign, assignment] # dies at the given point
Store.overwrite = deadly_put_anyhow  # type: ignore[method-assign] # dies at the given point
handle(json.loads(sys.argv[2]), None)
