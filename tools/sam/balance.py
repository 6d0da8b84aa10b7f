"""Compare the results and dead letters with the inputs: every row must be counted."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from regulars.batch.events import created_objects
from tools.sam.aws import Aws
from tools.sam.files import Input
from tools.sam.shell import say

FAILED_TRIES = 2
"""Failed tries that make a message visible again; after the next one it is a dead letter: maxReceiveCount - 1."""


def accounted(aws: Aws, given: Sequence[Input], failures: int, folder: Path) -> bool:
    """Print the counts; True when each input has a result with all of its rows, or is a dead letter."""
    out = aws.written()
    results = {key.rpartition("/")[0]: json.loads(body) for key, body in out.items() if key.endswith("_manifest.json")}
    dead = {created_objects(json.loads(letter["Body"]))[0].key: _reason(letter) for letter in aws.dead_letters()}
    say(_line(given, list(results.values()), failures, dead))
    say("\n".join(f"  {key}: {reason}" for key, reason in sorted(dead.items())))
    read = {manifest["input"]["key"]: manifest["rows_read"] for manifest in results.values()}
    wrong = [item.key for item in given if read.get(item.key) != item.rows or (item.key in dead) != (item.rows is None)]
    wrong += [prefix for prefix, manifest in results.items() if not _adds_up(prefix, manifest, out, folder)]
    if wrong:
        say(f"not accounted for: {', '.join(wrong)}")
    return not wrong and len(results) + len(dead) == len(given) and failures == FAILED_TRIES * len(dead)


def _line(given: Sequence[Input], results: Sequence[Mapping[str, Any]], failures: int, dead: Mapping[str, str]) -> str:
    def total(name: str) -> str:
        return f"{sum(manifest[name] for manifest in results):,}"

    rows = f"{sum(item.rows or 0 for item in given):,} rows put, {total('rows_read')} read = "
    rows += f"{total('rows_kept')} kept + {total('rows_rejected')} rejected"
    ends = f"{len(results)} results, {len(dead)} dead letters after {failures} failed tries"
    return f"batch: {len(given)} files: {ends}; {rows}; {total('customers_scored')} customers scored"


def _reason(letter: Mapping[str, Any]) -> str:
    return str(letter["MessageAttributes"]["reason"]["StringValue"])


def _adds_up(prefix: str, manifest: Mapping[str, Any], out: Mapping[str, bytes], folder: Path) -> bool:
    """Return whether a manifest's counts agree with each other and with its files."""
    scored = _rows(out[f"{prefix}/part.parquet"], folder)
    rejected = _rows(out[f"{prefix}/rejects.parquet"], folder)
    return bool(
        manifest["rows_read"] == manifest["rows_kept"] + manifest["rows_rejected"]
        and manifest["customers_read"] == manifest["customers_scored"] + manifest["customers_rejected"]
        and scored == manifest["customers_scored"] > 0
        and rejected == manifest["rows_rejected"] + manifest["customers_rejected"]
    )


def _rows(content: bytes, folder: Path) -> int:
    file = folder / "read.parquet"
    file.write_bytes(content)
    [(rows,)] = duckdb.execute(f"select count(*) from '{file}'").fetchall()
    return int(rows)
