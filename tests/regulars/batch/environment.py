"""One fault's surroundings, and what came of it in words that a table can hold."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import forget_process
from tests.regulars.batch.conftest import Aws

TMP = "/tmp"  # noqa: S108 - what messages are made to say


@dataclass
class FaultEnvironment:
    """One fault's surroundings: AWS, a folder, a good file, and settings that can be changed."""

    aws: Aws
    folder: Path
    orders: Path
    patch: pytest.MonkeyPatch

    def set(self, **settings: object) -> None:
        """Change settings; the next call is a cold start."""
        for name, value in settings.items():
            self.patch.setenv(name, str(value))
        forget_process()

    def send(self, name: str, body: bytes | Path, **said: Any) -> str:
        """Put a file and let the queue's message be worked on."""
        key = self.aws.put(name, body, **said)
        self.aws.poll()
        return key

    def export(self, query: str, options: str, name: str = "made") -> Path:
        """Write a query's rows as a file."""
        duckdb.execute(f"copy ({query}) to '{self.folder / name}' ({options})")
        return self.folder / name

    def good(self) -> bytes:
        """The good file's bytes."""
        return self.orders.read_bytes()


def seen(world: FaultEnvironment) -> str:
    """Say what the user finds: a dead letter's reason, or the manifest's counts."""
    letters = [each["MessageAttributes"]["reason"]["StringValue"] for each in world.aws.dead_letters()]
    said = [f"dead letter: {text}" for text in letters]
    for manifest in world.aws.manifests():
        counted = f"{manifest['rows_read']:,} rows read, {manifest['customers_scored']} customers scored"
        said.append("; ".join([counted, *manifest["warnings"]]))
    return plain("; ".join(said) or "nothing", world)


def plain(text: str, world: FaultEnvironment) -> str:
    """Leave out what differs from run to run, and what a table cannot hold."""
    text = text.replace(world.aws.incoming, "shop").replace(str(world.folder), TMP).replace("|", "/")
    text = re.sub(rf"{TMP}/[^ ;,:]*batch-\w+", TMP, text)
    return re.sub(r"at \d+ of \d+ bytes", "at some of its bytes", re.sub(r"\d[\d,]* are free", "some are free", text))


def left(world: FaultEnvironment) -> str:
    """Say what lies in the output bucket, having checked that each result is whole and accounts for every row."""
    files = world.aws.written()
    places = {key.rpartition("/")[0] for key in files}
    for place in places:
        manifest = json.loads(files[f"{place}/_manifest.json"])
        assert manifest["rows_read"] == manifest["rows_kept"] + manifest["rows_rejected"]
        assert manifest["customers_read"] == manifest["customers_scored"] + manifest["customers_rejected"]
        assert {key.rpartition("/")[2] for key in files if key.startswith(place)} == {
            "_manifest.json",
            *manifest["outputs"],
        }
    return "one whole result" if len(places) == 1 else f"{len(places)} results" if places else "nothing was written"
