"""The state machine's step after all raw files are staged: what only all of them together tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from regulars.batch.resources.clock import Clock
from regulars.batch.state_machine.run import KEYS, STAGED_SUMMARY, File, Run
from regulars.batch.state_machine.steps.stage import FAULTS
from regulars.batch.storage.store import as_json
from regulars.errors import SourceError
from regulars.ingest.rejects import check_kept
from regulars.ingest.report import FileReport
from regulars.models.loader import ModelLoader

MOST_FAULTS_SHOWN = 10
"""Files of which it is told what is wrong with them."""

Staged = list[tuple[File, dict[str, Any]]]
"""Each file with what its staging said."""


def check_staged(event: dict[str, Any], _: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Refuse a table of which nothing is left, and say whether keys must be compared and orders summed.

    SourceError when files cannot be read, with what is wrong with each.
    """
    run = Run.open(event["run"])
    staged = _staged(run, clock)
    tables = {file.table: [said for other, said in staged if other.table == file.table] for file in run.files}
    for table, files in tables.items():
        example = next((said["example"] for said in files if said["example"]), None)
        check_kept(table, [FileReport(**said["report"]) for said in files], example)
    keys = [item for table, files in tables.items() for item in _items(table, files, run.buckets)]
    run.work.overwrite(KEYS, as_json(keys))
    run.work.overwrite(
        STAGED_SUMMARY, as_json({"summed": any(said["summed"] for said in tables["orders"]), "keys": keys})
    )
    return run.next_input(compare=bool(keys))


def _staged(run: Run, clock: Clock) -> Staged:
    staged, faults = [], []
    for file in run.files:
        clock.check()
        said = run.work.read_json(f"staged/{file.path}.json")
        if said is None:
            faults.append(run.read(f"{FAULTS}/{file.path}.json")["fault"])
        staged.append((file, said))
    if faults:
        more = f"; and {len(faults) - MOST_FAULTS_SHOWN} other files" if len(faults) > MOST_FAULTS_SHOWN else ""
        raise SourceError("; ".join(faults[:MOST_FAULTS_SHOWN]) + more)
    return staged


def _items(table: str, files: Sequence[Mapping[str, Any]], buckets: int) -> list[dict[str, Any]]:
    """List the buckets of keys to compare; of lines, whether an order is of several customers."""
    key = next((said["key"] for said in files if said["key"]), None)
    if key is None and not any(said["lines_of_orders"] for said in files):
        return []
    return [{"table": table, "bucket": bucket, "key": key} for bucket in range(buckets)]
