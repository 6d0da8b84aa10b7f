"""Whether what came out accounts for all that was put in."""

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
"""A message's tries before the one after which the function lays it down: maxReceiveCount less one."""


def accounted(aws: Aws, given: Sequence[Input], failures: int, folder: Path) -> bool:
    """Say what became of each input; True when each has a result with all of its rows, or is a dead letter."""
    out = aws.written()
    results = {key.rpartition("/")[0]: json.loads(body) for key, body in out.items() if key.endswith("_manifest.json")}
    dead = {created_objects(json.loads(each["Body"]))[0].key: _reason(each) for each in aws.dead_letters()}
    say(_line(given, list(results.values()), failures, dead))
    say("\n".join(f"  {key}: {reason}" for key, reason in sorted(dead.items())))
    read = {said["input"]["key"]: said["rows_read"] for said in results.values()}
    wrong = [each.key for each in given if read.get(each.key) != each.rows or (each.key in dead) != (each.rows is None)]
    wrong += [prefix for prefix, said in results.items() if not _adds_up(prefix, said, out, folder)]
    if wrong:
        say(f"not accounted for: {', '.join(wrong)}")
    return not wrong and len(results) + len(dead) == len(given) and failures == FAILED_TRIES * len(dead)


def _line(given: Sequence[Input], results: Sequence[Mapping[str, Any]], failures: int, dead: Mapping[str, str]) -> str:
    def total(name: str) -> str:
        return f"{sum(said[name] for said in results):,}"

    rows = f"{sum(each.rows or 0 for each in given):,} rows put, {total('rows_read')} read = "
    rows += f"{total('rows_kept')} kept + {total('rows_rejected')} rejected"
    ends = f"{len(results)} results, {len(dead)} dead letters after {failures} failed tries"
    return f"batch: {len(given)} files: {ends}; {rows}; {total('customers_scored')} customers scored"


def _reason(letter: Mapping[str, Any]) -> str:
    return str(letter["MessageAttributes"]["reason"]["StringValue"])


def _adds_up(prefix: str, said: Mapping[str, Any], out: Mapping[str, bytes], folder: Path) -> bool:
    """Say whether a manifest's counts agree with each other and with its files."""
    scored = _rows(out[f"{prefix}/part.parquet"], folder)
    lines = _rows(out[f"{prefix}/rejects.parquet"], folder)
    return bool(
        said["rows_read"] == said["rows_kept"] + said["rows_rejected"]
        and said["customers_read"] == said["customers_scored"] + said["customers_rejected"]
        and scored == said["customers_scored"] > 0
        and lines == said["rows_rejected"] + said["customers_rejected"]
    )


def _rows(content: bytes, folder: Path) -> int:
    file = folder / "read.parquet"
    file.write_bytes(content)
    [(rows,)] = duckdb.execute(f"select count(*) from '{file}'").fetchall()
    return int(rows)
