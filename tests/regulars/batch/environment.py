"""A fault's environment, and its outcome as text for a table."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import forget_process
from tests.regulars.batch.conftest import Aws

TMP = "/tmp"  # noqa: S108 - stands for the folder in messages


@dataclass
class FaultEnvironment:
    """A fault's environment: AWS, a folder, a good file, and settings that can be changed."""

    aws: Aws
    folder: Path
    orders: Path
    patch: pytest.MonkeyPatch

    def set(self, **settings: object) -> None:
        """Change settings; the next call is a cold start."""
        for name, value in settings.items():
            self.patch.setenv(name, str(value))
        forget_process()

    def send(self, name: str, body: bytes | Path, **options: Any) -> str:
        """Put a file and handle its message."""
        key = self.aws.put(name, body, **options)
        self.aws.poll()
        return key

    def export(self, query: str, options: str, name: str = "made") -> Path:
        """Write a query's rows as a file."""
        duckdb.execute(f"copy ({query}) to '{self.folder / name}' ({options})")
        return self.folder / name

    def good(self) -> bytes:
        """The good file's bytes."""
        return self.orders.read_bytes()


def seen(environment: FaultEnvironment) -> str:
    """Return what the user sees: a dead letter's reason, or the manifest's counts."""
    reasons = [letter["MessageAttributes"]["reason"]["StringValue"] for letter in environment.aws.dead_letters()]
    texts = [f"dead letter: {reason}" for reason in reasons]
    for manifest in environment.aws.manifests():
        counts = f"{manifest['rows_read']:,} rows read, {manifest['customers_scored']} customers scored"
        texts.append("; ".join([counts, *manifest["warnings"]]))
    return plain("; ".join(texts) or "nothing", environment)


def plain(text: str, environment: FaultEnvironment) -> str:
    """Replace what differs between runs, and what a Markdown table cannot hold."""
    text = text.replace(environment.aws.incoming, "shop").replace(str(environment.folder), TMP).replace("|", "/")
    text = re.sub(rf"{TMP}/[^ ;,:]*batch-\w+", TMP, text)
    return re.sub(r"at \d+ of \d+ bytes", "at some of its bytes", re.sub(r"\d[\d,]* are free", "some are free", text))


def left(environment: FaultEnvironment) -> str:
    """Return what is in the output bucket; check that each result is complete and accounts for every row."""
    files = environment.aws.written()
    places = {key.rpartition("/")[0] for key in files}
    for place in places:
        manifest = json.loads(files[f"{place}/_manifest.json"])
        assert manifest["rows_read"] == manifest["rows_kept"] + manifest["rows_rejected"]
        assert manifest["customers_read"] == manifest["customers_scored"] + manifest["customers_rejected"]
        assert {key.rpartition("/")[2] for key in files if key.startswith(place)} == {
            "_manifest.json",
            *manifest["outputs"],
        }
    return "one complete result" if len(places) == 1 else f"{len(places)} results" if places else "nothing was written"
