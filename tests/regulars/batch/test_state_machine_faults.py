"""kill -9 within each step of the state machine: the next try, and the whole run, make what one left in peace makes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.batch.handler import handle
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.faults import Table, kill
from tests.regulars.batch.shop import AS_OF, orders_sql

PREFIX = f"incoming/as_of={AS_OF}/export/"
PER_ITEM = {"stage": "files", "keys": "keys", "split": "files", **dict.fromkeys(("score", "base", "apply"), "buckets")}
SPLIT = ("plan", "stage", "settle", "keys", "split")
STEPS = {"scores": (*SPLIT, "score", "collect"), "features": (*SPLIT, "base", "learn", "apply", "collect")}
POINTS = {
    "plan": ("put:files.json",),
    "stage": ("after:stage", "put:staged/orders/000000.parquet"),
    "settle": ("put:keys.json",),
    "keys": ("after:compare", "put:repeats/"),
    "split": ("after:split", "put:bucket=00/"),
    "score": ("after:score", "put:part.parquet"),
    "collect": ("put:_manifest.json",),
    "base": ("put:base/bucket=00/lifecycle.parquet",),
    "learn": ("put:cut_points.json",),
    "apply": ("put:bucket=00/features.parquet",),
}
UNDISTURBED: dict[str, dict[str, Any]] = {}


@dataclass
class StateMachineRun:
    """The steps as the state machine takes them, each in this process.

    The step that `kills` names is taken in another one before, which dies; then it is taken again, or all of them.
    """

    aws: Aws
    folder: Path
    kills: tuple[str, str] | None = None
    begins_anew: bool = False
    make: str = "scores"

    @property
    def asked(self) -> dict[str, Any]:
        """What the run is asked for."""
        return {"bucket": self.aws.incoming, "prefix": PREFIX, "buckets": 2, "make": self.make}

    @property
    def written(self) -> dict[str, bytes]:
        """What lies where the results go."""
        return self.aws.written(f"{self.make}/")

    def __call__(self) -> dict[str, Any]:
        """Take every step, of each item, and return the manifest."""
        said: dict[str, Any] = {}
        for step in STEPS[self.make]:
            events = list(self._events(step, said))
            if self.kills and self.kills[0] == step:
                # The first file has no repeats, the last one has.
                kill(self.kills[1], events[-1 if step == "split" else 0], self.aws.environment, self.folder / "spill")
                assert any(key.endswith("/_manifest.json") for key in self.written) == (step == "collect")
                if self.begins_anew:
                    return StateMachineRun(self.aws, self.folder)()
            for event in events:
                answer = handle(event, None)
            said = answer if step in ("plan", "settle") else said
        [manifest] = self.aws.manifests(f"{self.make}/")
        return manifest

    def _events(self, step: str, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if step == "plan":
            yield {"step": step, "input": self.asked}
        elif step in PER_ITEM:
            listed = self.aws.s3.get_object(Bucket=said["bucket"], Key=said[PER_ITEM[step]])["Body"].read()
            yield from ({"step": step, "run": said["run"], "item": item} for item in json.loads(listed))
        else:
            yield {"step": step, "run": said["run"]}


TABLE: Table[StateMachineRun] = Table("machine faults")


def killed(step: str, point: str) -> Callable[[StateMachineRun], None]:
    """Return the fault of a step that is killed at a point."""

    def run(machine: StateMachineRun) -> None:
        machine.kills = (step, point)
        machine.make = "scores" if step in STEPS["scores"] else "features"

    return run


for step, points in POINTS.items():
    for point in points:
        said = point.replace("put:", "after writing ").replace(":", " ")
        TABLE.fault(f"kill -9 in the step {step} {said}, then the next try")(killed(step, point))


@pytest.fixture
def machine(aws: Aws, tmp_path: Path) -> StateMachineRun:
    """An export of two files of orders, the second of which repeats some rows of the first, and one of customers."""
    people = "select 'C' || i % 42 as customer_id, '2023-01-01' as signed_up_at from range(45) t(i)"
    shop = orders_sql()
    for name, query in {
        "orders/one.csv": f"{shop} limit 120",
        "orders/two.csv": f"({shop} limit 20) union all ({shop} limit 500 offset 120)",
        "customers.csv": people,
    }.items():
        duckdb.execute(f"copy ({query}) to '{tmp_path / 'put'}' (format csv, header)")
        aws.put(f"export/{name}", tmp_path / "put")
    return StateMachineRun(aws, tmp_path)


def told(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a manifest says but where the input lay: of its outputs bytes and hashes, by their places in the run."""
    outputs = {name.partition("/")[2]: said for name, said in manifest["outputs"].items()}
    return {key: value for key, value in manifest.items() if key != "input"} | {"outputs": outputs}


def undisturbed(machine: StateMachineRun) -> dict[str, Any]:
    """What is made when nothing goes wrong."""
    if machine.make not in UNDISTURBED:
        UNDISTURBED[machine.make] = told(StateMachineRun(machine.aws, machine.folder, make=machine.make)())
        for key in machine.aws.written(""):
            machine.aws.s3.delete_object(Bucket=machine.aws.scores, Key=key)
    return UNDISTURBED[machine.make]


def left(machine: StateMachineRun, manifest: dict[str, Any]) -> str:
    """Say what lies in the output bucket: nothing but what the manifest names, and the marks of finished buckets."""
    files = machine.written
    [place] = [key.removesuffix("_manifest.json") for key in files if key.endswith("/_manifest.json")]
    found = {key.removeprefix(place) for key in files if not key.endswith("_result.json")}
    assert found == {"_manifest.json", *manifest["outputs"]}
    return "one whole result"


@pytest.mark.parametrize("what", TABLE.faults)
def test_fault(what: str, machine: StateMachineRun) -> None:
    """The steps after the kill make the very bytes of a run without it, and asked once more nothing is done."""
    TABLE.faults[what](machine)
    wanted = undisturbed(machine)
    manifest = machine()
    assert told(manifest) == wanted
    assert wanted["rejected"]["order_id is a duplicate"] == 20
    made = {"scores": "customers_scored", "features": "customers_with_features"}[machine.make]
    seen = f"{manifest['rows_read']} rows read, {manifest[made]} {made.replace('_', ' ')}"
    TABLE.tell(what, seen, left(machine, manifest))
    assert handle({"step": "plan", "input": machine.asked}, None)["done"] is True
    assert list(machine.folder.glob("spill/batch-*")) == []


def test_a_run_begun_anew_goes_on_from_what_a_killed_one_finished(machine: StateMachineRun) -> None:
    """The whole run again, not only the step: as a second execution takes it."""
    wanted = undisturbed(machine)
    again = StateMachineRun(machine.aws, machine.folder, ("split", "put:bucket=01/"), begins_anew=True)
    assert told(again()) == wanted


def test_the_document_has_no_fault_that_is_not_tried() -> None:
    assert TABLE.listed() == list(TABLE.faults)
