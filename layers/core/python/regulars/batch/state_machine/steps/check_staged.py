"""The state machine's step after staging: checks that need all raw files."""

from collections.abc import Mapping, Sequence
from typing import Any

from regulars.batch.resources.clock import Clock
from regulars.batch.state_machine.run import KEYS, STAGED_SUMMARY, File, Run
from regulars.batch.state_machine.steps.stage import FAULTS
from regulars.batch.storage.store import as_json
from regulars.errors import SourceError
from regulars.ingest.judging.rejects import check_kept
from regulars.ingest.report import FileReport
from regulars.models.loader import ModelLoader

MOST_FAULTS_SHOWN = 10
"""Number of unreadable files that the error describes."""

Staged = list[tuple[File, dict[str, Any]]]
"""Each file with its staging result."""


def check_staged(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Check that all files were readable and every table has rows; list the keys to compare.

    SourceError names the unreadable files with their errors, or a table without a valid row.
    """
    run = Run.open(event["run"])
    staged = _staged(run, clock)
    tables = {file.table: [result for other, result in staged if other.table == file.table] for file in run.files}
    for table, results in tables.items():
        example = next((result["example"] for result in results if result["example"]), None)
        check_kept(table, [FileReport(**result["report"]) for result in results], example)
    keys = [item for table, results in tables.items() for item in _key_buckets(table, results, run.buckets)]
    run.work.overwrite(KEYS, as_json(keys))
    summed = any(result["summed"] for result in tables["orders"])
    run.work.overwrite(STAGED_SUMMARY, as_json({"summed": summed, "keys": keys}))
    return run.next_input(compare=bool(keys))


def _staged(run: Run, clock: Clock) -> Staged:
    staged, faults = [], []
    for file in run.files:
        clock.check()
        result = run.work.read_json(f"staged/{file.path}.json")
        if result is None:
            faults.append(run.read(f"{FAULTS}/{file.path}.json")["fault"])
        staged.append((file, result))
    if faults:
        more = f"; and {len(faults) - MOST_FAULTS_SHOWN} other files" if len(faults) > MOST_FAULTS_SHOWN else ""
        raise SourceError("; ".join(faults[:MOST_FAULTS_SHOWN]) + more)
    return staged


def _key_buckets(table: str, results: Sequence[Mapping[str, Any]], buckets: int) -> list[dict[str, Any]]:
    """Return the buckets of keys to compare. Of order lines, key None: count the orders with several customers."""
    key = next((result["key"] for result in results if result["key"]), None)
    rows = any(result["rows_compared"] for result in results)
    if key is None and not rows and not any(result["lines_of_orders"] for result in results):
        return []
    return [{"table": table, "bucket": bucket, "key": key, "rows": rows} for bucket in range(buckets)]
